use super::*;
use std::collections::BTreeMap;

fn defaults() -> Defaults {
    Defaults {
        contact: Some(Contact {
            name: "Data desk".to_owned(),
            email: Some("data@water.example".to_owned()),
            url: None,
        }),
        publisher: Some(Agent {
            name: "Water board".to_owned(),
            ..Agent::default()
        }),
        language: Some("nl".to_owned()),
        licence: Some(super::super::BY_OFFER.to_owned()),
        access_rights: Some("restricted".to_owned()),
        theme: vec!["ENVI".to_owned()],
    }
}

fn rain() -> Metadata {
    Metadata {
        title: Some(Said::Plain("Neerslag".to_owned())),
        description: Some(Said::Plain("Neerslag per uur".to_owned())),
        ..Metadata::default()
    }
}

#[test]
fn what_was_left_out_is_what_holds_for_the_participant() {
    let complete = complete(rain(), &defaults()).unwrap();
    let all = complete.metadata();
    assert_eq!(all.theme, ["ENVI"]);
    assert_eq!(all.language, ["nl"]);
    assert_eq!(all.licence.as_deref(), Some("offer"));
    assert_eq!(all.access_rights.as_deref(), Some("restricted"));
    // Whom to ask may change without publishing again.
    assert!(all.contact.is_none() && all.publisher.is_none());
}

#[test]
fn each_required_property_is_missed_by_name_and_told_how_to_give() {
    type Lose = fn(&mut Metadata, &mut Defaults);
    let cases: [(&str, &str, Lose); 8] = [
        ("title", "--title", |m, _| m.title = None),
        ("description", "--description", |m, _| m.description = None),
        ("theme", "--theme", |_, d| d.theme.clear()),
        ("language", "[catalogue]", |_, d| d.language = None),
        ("access_rights", "[catalogue]", |_, d| d.access_rights = None),
        ("licence", "--licence", |_, d| d.licence = None),
        ("contact", "contact_email", |_, d| d.contact = None),
        ("publisher", "[publisher]", |_, d| d.publisher = None),
    ];
    for (property, way, lose) in cases {
        let (mut given, mut defaults) = (rain(), defaults());
        lose(&mut given, &mut defaults);
        let refused = complete(given, &defaults).unwrap_err();
        assert!(
            matches!(refused, Incomplete::Missing { property: p, .. } if p == property),
            "{refused}"
        );
        let told = refused.to_string();
        assert!(
            told.contains(property) && told.contains(way) && told.contains("DCAT-AP-NL"),
            "{told}"
        );
    }
    let blank = Metadata {
        title: Some(Said::Plain("  ".to_owned())),
        ..rain()
    };
    assert!(
        complete(blank, &defaults())
            .unwrap_err()
            .to_string()
            .contains("no `title`")
    );
}

#[test]
fn a_value_that_a_property_cannot_have_is_refused_by_name() {
    type Spoil = fn(&mut Metadata);
    let cases: [(&str, Spoil); 25] = [
        ("theme", |m| m.theme = vec!["weather".to_owned()]),
        ("theme", |m| m.theme = vec!["ENVI".to_owned(), "envi".to_owned()]),
        ("keyword", |m| m.keyword = vec![" ".to_owned()]),
        ("language", |m| m.language = vec!["klingon".to_owned()]),
        ("access_rights", |m| m.access_rights = Some("secret".to_owned())),
        ("frequency", |m| m.frequency = Some("sometimes".to_owned())),
        ("licence", |m| m.licence = Some("CC0".to_owned())),
        ("landing_page", |m| m.landing_page = Some("a page".to_owned())),
        ("documentation", |m| m.documentation = vec!["/manual".to_owned()]),
        ("conforms_to", |m| m.conforms_to = vec!["NEN 3610".to_owned()]),
        ("issued", |m| m.issued = Some("17 juni".to_owned())),
        ("modified", |m| m.modified = Some("2020-13-01".to_owned())),
        ("provenance", |m| m.provenance = Some(Said::Plain(String::new()))),
        ("title", |m| {
            m.title = Some(Said::Tagged(BTreeMap::from([("xx".to_owned(), "t".to_owned())])))
        }),
        ("title", |m| {
            let text = |tag: &str| (tag.to_owned(), "t".to_owned());
            m.title = Some(Said::Tagged(BTreeMap::from([text("nl"), text("NL")])));
        }),
        ("contact", |m| {
            m.contact = Some(Contact {
                name: "Somebody".to_owned(),
                ..Contact::default()
            });
        }),
        ("contact.email", |m| {
            m.contact = Some(Contact {
                name: "Somebody".to_owned(),
                email: Some("some body".to_owned()),
                url: None,
            });
        }),
        ("contact.url", |m| {
            m.contact = Some(Contact {
                name: "Somebody".to_owned(),
                email: None,
                url: Some("water.example".to_owned()),
            });
        }),
        ("publisher.name", |m| m.publisher = Some(Agent::default())),
        ("creator.type", |m| {
            m.creator = Some(Agent {
                name: "KNMI".to_owned(),
                kind: Some("institute".to_owned()),
                iri: None,
            });
        }),
        ("publisher.iri", |m| {
            m.publisher = Some(Agent {
                name: "KNMI".to_owned(),
                kind: None,
                iri: Some("OIN 1".to_owned()),
            });
        }),
        ("spatial", |m| m.spatial = Some(Spatial::default())),
        ("spatial.bbox", |m| {
            m.spatial = Some(Spatial {
                bbox: Some([5.0, 51.0, 3.0, 52.0]),
                ..Spatial::default()
            });
        }),
        ("temporal", |m| m.temporal = Some(Temporal::default())),
        ("temporal.end", |m| {
            m.temporal = Some(Temporal {
                start: Some("2020-06-17".to_owned()),
                end: Some("2020-06-16".to_owned()),
            });
        }),
    ];
    for (property, spoil) in cases {
        let mut given = rain();
        spoil(&mut given);
        let refused = complete(given, &defaults()).unwrap_err();
        assert!(
            matches!(&refused, Incomplete::Wrong { property: p, .. } if p == property),
            "{property}: {refused}"
        );
    }
}

#[test]
fn a_day_lasts_until_its_last_millisecond() {
    let one_day = Temporal {
        start: Some("2020-06-17".to_owned()),
        end: Some("2020-06-17".to_owned()),
    };
    let given = Metadata {
        temporal: Some(one_day),
        ..rain()
    };
    assert!(complete(given, &defaults()).is_ok());
    assert_eq!(instant_ms("1970-01-01", true), Some(86_399_999));
    assert_eq!(instant_ms("1970-01-01T01:00:00+01:00", false), Some(0));
}

#[test]
fn moments_are_written_as_others_read_them() {
    for (given, written) in [
        ("2020-06-17", "2020-06-17"),
        ("2020-06-17T14:00:00Z", "2020-06-17T14:00:00Z"),
        ("2020-06-17 14:00:00Z", "2020-06-17T14:00:00Z"),
        ("2020-06-17t14:00:00.250z", "2020-06-17T14:00:00.250Z"),
        ("2020-06-17T14:00:00-14:00", "2020-06-17T14:00:00-14:00"),
    ] {
        let moment = Some(given.to_owned());
        let temporal = Temporal {
            start: moment.clone(),
            end: moment.clone(),
        };
        let given = Metadata {
            issued: moment.clone(),
            modified: moment,
            temporal: Some(temporal),
            ..rain()
        };
        let all = complete(given, &defaults()).unwrap().into_metadata();
        let temporal = all.temporal.unwrap();
        for text in [all.issued, all.modified, temporal.start, temporal.end] {
            assert_eq!(text.as_deref(), Some(written));
        }
    }
    for bad in [
        "",
        "2020-06-1",
        "2020-02-30",
        "2020x06x17",
        "2020-06-17x14:00:00Z",
        "2020-06-17T14:00:00xZ",
        "2020-06-17T14x00:00Z",
        "2020-06-17T14:00:60Z",
        "2020-06-30T23:59:60Z",
        "2020-06-17T24:00:00Z",
        "2020-06-17T14:00:00.Z",
        "2020-06-17T14:00:00",
        "2020-06-17T14:00Z",
        "2020-06-17T14:00:00+14:01",
        "2020-06-17T14:00:00+01",
        "2020-06-17 ",
        "2020-06-1é",
        "２020-06-17",
    ] {
        let given = Metadata {
            modified: Some(bad.to_owned()),
            ..rain()
        };
        let refused = complete(given, &defaults()).unwrap_err();
        assert!(refused.to_string().contains("`modified`"), "{bad}: {refused}");
        assert_eq!(instant_ms(bad, false), None, "{bad}");
    }
}

#[test]
fn a_metadata_file_is_read_strictly() {
    let file = "title = { nl = \"Neerslag\", en = \"Rain\" }\ndescription = \"Per uur\"\ntheme = [\"ENVI\"]\n\
                [spatial]\nbbox = [3.4, 51.4, 3.7, 51.5]\n[temporal]\nstart = \"2020-06-16\"\n";
    let read = Metadata::from_toml(file).unwrap();
    assert_eq!(
        read.title.unwrap().texts("nl"),
        [
            ("nl".to_owned(), "Neerslag".to_owned()),
            ("en".to_owned(), "Rain".to_owned())
        ]
    );
    assert_eq!(read.spatial.unwrap().bbox, Some([3.4, 51.4, 3.7, 51.5]));
    for (bad, says) in [
        ("titel = \"x\"", "titel"),
        ("title = 3", "expected a text"),
        ("title = ", "line 1"),
        ("[spatial]\nbbox = [1, 2, 3]", "bbox"),
        ("[contact]\nname = \"x\"\nphone = \"1\"", "phone"),
    ] {
        let refused = Metadata::from_toml(bad).unwrap_err();
        assert!(refused.contains(says), "{bad}: {refused}");
    }
    let long = format!("title = \"{}\"", "x".repeat(super::super::metadata::MAX_BYTES));
    assert!(Metadata::from_toml(&long).unwrap_err().contains("at most"));
}
