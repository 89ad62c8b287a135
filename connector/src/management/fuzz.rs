//! The query of a request to the management API, whatever it holds.

use super::paging::{Order, Query};
use crate::fuzzing::cases;
use proptest::prelude::*;

const KNOWN: [(&str, &str); 4] = [("limit", ""), ("after", ""), ("state", ""), ("role", "")];

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn made_up_queries_never_panic(query in "(limit|after|state|role|[a-z]{1,6}|%[0-9a-fA-F]{0,2}|\\PC)?(=|&|%|\\+|[0-9]{1,22}|\\PC){0,12}") {
        if let Ok(query) = Query::read(Some(&query), &KNOWN) {
            if let Ok(state) = query.one_of("state", &["FINALIZED"]) {
                prop_assert!(state.is_none_or(|state| state == "FINALIZED"));
            }
            let page = query.page((0..20).collect(), Order::Descending, u32::to_string);
            prop_assert!(page.is_ok() || query.get("limit").is_some());
        }
    }

    #[test]
    fn no_page_never_panics_or_leaves_anything_out(count in 0..60u32, limit in 1..=500usize, after in prop::option::of("[0-9]{0,4}|\\PC{0,4}"), down in any::<bool>()) {
        let order = if down { Order::Descending } else { Order::Ascending };
        let name = |n: &u32| format!("{n:03}");
        let mut query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("limit", &limit.to_string()).finish();
        if let Some(after) = &after {
            query = url::form_urlencoded::Serializer::new(query).append_pair("after", after).finish();
        }
        let page = Query::read(Some(&query), &KNOWN).unwrap().page((0..count).collect(), order, name).unwrap();
        let page = serde_json::to_value(&page).unwrap();
        let shown: Vec<String> = page["items"].as_array().unwrap().iter().map(|n| format!("{:03}", n.as_u64().unwrap())).collect();
        prop_assert_eq!(&page["total"], &serde_json::json!(count));
        prop_assert_eq!(&page["shown"], &serde_json::json!(shown.len()));
        // Exactly what comes after the name, up to the limit; more is to be had if and only if `next` says so.
        let mut expected: Vec<String> = (0..count).map(|n| name(&n)).collect();
        if down {
            expected.reverse();
        }
        if let Some(after) = &after {
            expected.retain(|name| if down { name < after } else { name > after });
        }
        let next = (expected.len() > limit).then(|| expected[limit - 1].clone());
        expected.truncate(limit);
        prop_assert_eq!(shown, expected);
        prop_assert_eq!(&page["next"], &serde_json::json!(next));
    }
}
