//! From text to values: what the file and the environment say, by key, with nothing in it that is not in the list of keys.

use super::error::{ConfigError, Expected, Problem};
use super::keys::{self, KEYS, Key, Kind, OTHER_VARIABLES, VARIABLE_PREFIX};
use super::value::{Found, Origin, Place, Shape};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The values of a configuration by path of their key; every one of the kind that its key holds.
#[derive(Debug)]
pub(super) struct RawConfig {
    file: PathBuf,
    values: BTreeMap<String, Found>,
    /// The section `[development]`, which may not even be there without the flag.
    development: Option<Place>,
}

impl RawConfig {
    /// Reads a file's text, then lets the environment override it.
    pub(super) fn read(
        file: &Path,
        text: &str,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut raw = Self {
            file: file.to_owned(),
            values: BTreeMap::new(),
            development: None,
        };
        let origin = Origin::File(file, text);
        let document = DeTable::parse(text).map_err(|e| syntax(&origin, &e))?;
        for (name, value) in document.get_ref() {
            raw.section(&origin, name.get_ref(), name.span().start, value)?;
        }
        for (name, value) in environment {
            // A name that is not UTF-8 cannot start with the prefix in a way that anybody meant.
            if let Some(name) = name
                .to_str()
                .filter(|n| n.starts_with(VARIABLE_PREFIX) && !OTHER_VARIABLES.contains(n))
            {
                raw.variable(name, &value)?;
            }
        }
        Ok(raw)
    }

    fn section(
        &mut self,
        origin: &Origin<'_>,
        section: &str,
        offset: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), ConfigError> {
        let place = origin.place(offset);
        let known = keys::sections();
        let within = |name: &&str| name.split_once('.').map(|(outer, _)| outer) == Some(section);
        if !known.contains(&section) && !known.iter().any(within) {
            let nearest = keys::nearest(section, known.iter().map(|&s| s.to_owned()));
            return Err(ConfigError::new(
                place,
                Problem::UnknownSection {
                    key: section.to_owned(),
                    nearest,
                },
            ));
        }
        let DeValue::Table(members) = value.get_ref() else {
            let found = origin.found(value);
            return Err(ConfigError::wrong(
                section,
                &found,
                Expected::Section(section.to_owned()),
            ));
        };
        if section == "development" {
            self.development = Some(place);
        }
        for (name, value) in members {
            let path = format!("{section}.{}", name.get_ref());
            if known.contains(&path.as_str()) {
                self.section(origin, &path, name.span().start, value)?;
            } else if let Some(key) = keys::find(&path) {
                self.put(key, origin.found(value))?;
            } else {
                let nearest = keys::nearest(&path, KEYS.iter().map(Key::path));
                let place = origin.place(name.span().start);
                return Err(ConfigError::new(place, Problem::UnknownKey { key: path, nearest }));
            }
        }
        Ok(())
    }

    fn variable(&mut self, name: &str, value: &OsString) -> Result<(), ConfigError> {
        let place = Place::Variable(name.to_owned());
        let Some(key) = KEYS.iter().find(|k| k.variable() == name) else {
            let others = OTHER_VARIABLES.into_iter().map(str::to_owned);
            let nearest = keys::nearest(name, KEYS.iter().map(Key::variable).chain(others));
            return Err(ConfigError::new(place, Problem::UnknownVariable { nearest }));
        };
        let Some(text) = value.to_str() else {
            return Err(ConfigError::new(
                place,
                Problem::NotText {
                    expected: Expected::Kind(key.kind),
                },
            ));
        };
        let origin = Origin::Variable(name);
        // What is text in the file needs no quotes here; everything else is written as in the file.
        let found = if key.kind.is_text() {
            Found {
                shape: Shape::Text(text.to_owned()),
                place,
            }
        } else {
            origin.found(&DeValue::parse(text).map_err(|e| syntax(&origin, &e))?)
        };
        if key.section == "development" {
            self.development = Some(found.place.clone());
        }
        self.put(key, found)
    }

    fn put(&mut self, key: &Key, found: Found) -> Result<(), ConfigError> {
        check(&key.path(), key.kind, &found)?;
        self.values.insert(key.path(), found);
        Ok(())
    }

    /// The value of a key: as set, else what the list of keys says that its absence means.
    pub(super) fn get(&self, path: &str) -> Option<Found> {
        let set = self.values.get(path).cloned();
        set.or_else(|| {
            let keys::Absent::Means(toml) = keys::find(path)?.absent else {
                return None;
            };
            // The list's own values parse; a test reads each of them.
            let mut found = Origin::Variable("").found(&DeValue::parse(toml).ok()?);
            found.place = Place::File(self.file.clone());
            Some(found)
        })
    }

    /// That a key is missing that has to be there.
    pub(super) fn missing(&self, path: &str) -> ConfigError {
        let (section, _) = path.rsplit_once('.').unwrap_or((path, ""));
        let problem = Problem::Missing {
            section: section.to_owned(),
            key: path.to_owned(),
            variable: keys::find(path).map(Key::variable).unwrap_or_default(),
            expected: Expected::Kind(keys::find(path).map_or(Kind::Text, |k| k.kind)),
        };
        ConfigError::new(Place::File(self.file.clone()), problem)
    }

    /// That the section `[development]` is there, which it may not be.
    pub(super) fn development(&self) -> Option<ConfigError> {
        let found = Found {
            shape: Shape::Table(BTreeMap::new()),
            place: self.development.clone()?,
        };
        Some(ConfigError::wrong("development", &found, Expected::NoDevelopment))
    }

    /// A path as the configuration means it: a relative one starts where the file lies.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }
}

fn syntax(origin: &Origin<'_>, error: &toml::de::Error) -> ConfigError {
    let place = origin.place(error.span().map_or(0, |span| span.start));
    ConfigError::new(place, Problem::Syntax(error.message().to_owned()))
}

/// That a value is of the kind that its key holds, lists and tables included.
fn check(path: &str, kind: Kind, found: &Found) -> Result<(), ConfigError> {
    let fits = match (&found.shape, kind) {
        (Shape::Text(text), Kind::Choice(words)) => words.contains(&text.as_str()),
        (Shape::Text(text), kind) => kind.is_text() && !text.trim().is_empty(),
        (Shape::Whole(number), Kind::Whole(min, max)) => (min..=max).contains(number),
        (Shape::Switch(_), Kind::Switch) => true,
        (Shape::List(items), Kind::Paths | Kind::Texts) => {
            return items.iter().try_for_each(|item| check(path, Kind::Text, item));
        }
        (Shape::List(items), Kind::Tables(members)) => {
            return items.iter().try_for_each(|item| check_table(path, kind, members, item));
        }
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(ConfigError::wrong(path, found, Expected::Kind(kind)))
    }
}

fn check_table(path: &str, kind: Kind, members: &[(&str, Kind)], item: &Found) -> Result<(), ConfigError> {
    let Shape::Table(found) = &item.shape else {
        return Err(ConfigError::wrong(path, item, Expected::Kind(kind)));
    };
    for (name, value) in found {
        let Some((_, kind)) = members.iter().find(|(known, _)| known == name) else {
            let nearest = keys::nearest(name, members.iter().map(|(known, _)| (*known).to_owned()));
            let problem = Problem::UnknownKey {
                key: format!("{path}.{name}"),
                nearest: format!("{path}.{nearest}"),
            };
            return Err(ConfigError::new(value.place.clone(), problem));
        };
        check(&format!("{path}.{name}"), *kind, value)?;
    }
    match members.iter().find(|(name, _)| !found.contains_key(*name)) {
        None => Ok(()),
        Some((member, _)) => {
            let without = Found {
                shape: Shape::TableWithout((*member).to_owned()),
                place: item.place.clone(),
            };
            Err(ConfigError::wrong(path, &without, Expected::Kind(kind)))
        }
    }
}

impl Kind {
    /// Whether it is written as one text.
    const fn is_text(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::Did
                | Self::Address
                | Self::Url
                | Self::Origin
                | Self::Digest
                | Self::LogKey
                | Self::WitnessKey
                | Self::Path
                | Self::Choice(_)
        )
    }
}
