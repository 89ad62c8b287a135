//! Structures are read from JSON objects alone. What is derived also takes an array, its items in the order of the members;
//! another reader would not, and two readers must not disagree about one text.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// A structure that was written as an object.
struct Object<T>(T);

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read: T = deserializer.deserialize_map(Members::<T>(PhantomData))?;
        Ok(Self(read))
    }
}

/// One structure.
pub(crate) fn object<T: DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value::<Object<T>>(value).map(|object| object.0)
}

/// A list of structures: a whole value, or a member.
pub(crate) fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(list.into_iter().map(|object| object.0).collect())
}

/// Structures by name: a whole value, or a member.
pub(crate) fn objects_by_name<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let map = BTreeMap::<String, Object<T>>::deserialize(deserializer)?;
    Ok(map.into_iter().map(|(name, object)| (name, object.0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        name: String,
        bytes: Option<u64>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Folder {
        #[serde(deserialize_with = "objects")]
        files: Vec<File>,
        #[serde(deserialize_with = "objects_by_name")]
        by_name: BTreeMap<String, File>,
    }

    #[test]
    fn objects_are_read_and_arrays_in_their_place_are_not() {
        let whole = json!({"files": [{"name": "a", "bytes": 1}, {"name": "b"}], "by_name": {"c": {"name": "c", "bytes": null}}});
        let folder: Folder = object(whole).unwrap();
        assert_eq!(folder.files.len(), 2);
        assert_eq!(folder.files[0].bytes, Some(1));
        assert_eq!(folder.by_name["c"].bytes, None);
        for wrong in [
            json!([[], {}]),
            json!({"files": [["a", 1]], "by_name": {}}),
            json!({"files": [], "by_name": {"c": ["c", 1]}}),
            json!({"files": [], "by_name": []}),
            json!({"files": [], "by_name": {}, "more": 1}),
            json!({"files": [{"name": "a", "more": 1}], "by_name": {}}),
            json!({"files": [{"bytes": 1}], "by_name": {}}),
            json!({"by_name": {}}),
            json!("files"),
            json!(null),
        ] {
            assert!(object::<Folder>(wrong.clone()).is_err(), "{wrong}");
        }
        assert_eq!(objects::<_, File>(json!([{"name": "a"}])).unwrap().len(), 1);
        assert!(objects::<_, File>(json!([["a", 1]])).is_err());
    }
}
