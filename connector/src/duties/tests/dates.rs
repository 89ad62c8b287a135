//! What time does to obligations: reminders, statements that come late, and requests that are denied.

use super::*;
use herleid_policies::Language;

#[tokio::test]
async fn what_comes_late_is_kept_as_late_and_what_is_overdue_denies() {
    let scene = Scene::set();
    let due = day(NOW_MS + DAY_MS);
    for (action, reopens) in [("inform", true), ("delete", false)] {
        let entry = scene.agree(Side::Provider, &[(&format!("odrl:{action}"), Some(&due))]);
        scene.clock.set(NOW_MS);
        scene.permits(&entry).unwrap();
        scene.clock.set(NOW_MS + DAY_MS + 1);
        let line = scene.line(&entry, action);
        assert_eq!(line.state, DutyStanding::Overdue);
        let why = scene.permits(&entry).unwrap_err();
        assert!(why.contains("past its date") && why.contains(&due[..19]), "{why}");
        let handed = scene.states(&line, &[], |_| ()).await;
        scene.takes(&line.obligation, &handed).await.unwrap();
        let line = scene.line(&entry, action);
        assert_eq!(line.state, DutyStanding::Fulfilled);
        assert!(line.statement.unwrap().late, "{action}");
        assert_eq!(scene.permits(&entry).is_ok(), reopens, "{action}");
    }
    // The holder reads why in Dutch, too.
    let entry = scene.agree(Side::Provider, &[("odrl:delete", Some(&due))]);
    let asker = Asker::by_token(&scene.other);
    let decided = under_agreement(&scene.node, &entry, USE, &asker).unwrap();
    let audience = herleid_policies::Audience::of(decided.decision.record(), scene.other.as_str());
    let told = herleid_policies::Explanation::of(decided.decision.record(), Language::Dutch, audience).to_string();
    assert!(told.contains("over de datum") && told.contains("verwijderd"), "{told}");
}

#[tokio::test]
async fn who_is_obliged_and_who_waits_for_it_are_reminded_once_each() {
    for side in [Side::Provider, Side::Consumer] {
        let scene = Scene::set();
        let due_ms = NOW_MS + 30 * DAY_MS;
        scene.agree(side, &[("odrl:delete", Some(&day(due_ms))), ("odrl:inform", None)]);
        // Until a week before the date, nothing.
        assert_eq!(remind::remind(&scene.node).unwrap(), Some(due_ms + 1 - SOON_MS));
        assert_eq!((scene.told().len(), warnings(&scene.node).unwrap().len()), (0, 0));
        for (now_ms, told, warned) in [
            (due_ms - DAY_MS, vec!["obligation due-soon"], "has to `delete`"),
            (
                due_ms + 1,
                vec!["obligation due-soon", "obligation overdue"],
                "had to `delete`",
            ),
        ] {
            scene.clock.set(now_ms);
            for _ in 0..2 {
                remind::remind(&scene.node).unwrap();
                assert_eq!(scene.told(), told);
            }
            let warnings = warnings(&scene.node).unwrap();
            assert!(warnings.len() == 1 && warnings[0].contains(warned), "{warnings:?}");
        }
    }
}
