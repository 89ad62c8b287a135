//! The output `result`: one JSON object in RFC 8785 form, so that equal answers are equal bytes.

use crate::balance::Balance;
use crate::rain::RainSeries;
use crate::sewer::Sewer;
use serde_json::{Value, json};

/// The form of the output.
const FORMAT: &str = "herleid-sewer/1";

/// The answer. Amounts are exact decimal strings in the unit that their name ends in; counts are integers.
pub(crate) fn of(rain: &RainSeries, sewer: &Sewer, balance: &Balance) -> Value {
    let hours: Vec<Value> = balance
        .hours
        .iter()
        .map(|hour| {
            json!({
                "end": hour.end.to_string(),
                "rain_mm": hour.rain.to_string(),
                "fill_mm": hour.fill.to_string(),
                "overflow_mm": hour.overflow.to_string(),
            })
        })
        .collect();
    let deviations: Vec<Value> = balance
        .deviations()
        .iter()
        .map(|one| json!({"parameter": one.parameter, "sewer": one.sewer.to_string(), "used": one.used.to_string()}))
        .collect();
    let peak = balance
        .peak()
        .map(|hour| json!({"end": hour.end.to_string(), "overflow_mm": hour.overflow.to_string()}));
    let after_overflow = balance.emptying().map(|emptying| {
        json!({
            "from": emptying.from.to_string(),
            "empty_at": emptying.empty_at.map(|hour| hour.to_string()),
            "hours": emptying.empty_at.map(|hour| hour.0 - emptying.from.0),
        })
    });
    let fill_at_end = balance.hours.last().map_or(sewer.initial_fill, |hour| hour.fill);
    json!({
        "format": FORMAT,
        "rain": {
            "station": rain.station,
            "source": rain.source,
            "from": rain.from.to_string(),
            "to": rain.to.to_string(),
        },
        "sewer": {
            "name": sewer.name,
            "synthetic": sewer.synthetic,
            "note": sewer.note,
            "initial_fill_mm": sewer.initial_fill.to_string(),
            "connected_area_ha": sewer.connected_area.to_string(),
        },
        "parameters": {
            "storage_mm": balance.chosen.storage.to_string(),
            "pump_mm_per_h": balance.chosen.pump.to_string(),
        },
        "deviations": deviations,
        "hours": hours,
        "total": {
            "rain_mm": balance.rain.to_string(),
            "pumped_mm": balance.pumped.to_string(),
            "overflow_mm": balance.overflow.to_string(),
            "overflow_m3": balance.overflow_volume.to_string(),
            "overflow_hours": balance.overflow_hours(),
            "fill_at_end_mm": fill_at_end.to_string(),
        },
        "peak": peak,
        "emptying": {
            "full_storage_hours": balance.hours_to_empty_when_full(),
            "after_last_overflow": after_overflow,
        },
    })
}

/// RFC 8785 for what [`of`] makes: ASCII names, strings, non-negative integers, null, arrays and objects.
///
/// Written out here because the order of a `serde_json` map depends on which features other crates switch on, and the
/// bytes of an answer must not depend on how the program was built.
pub(crate) fn canonical(value: &Value) -> Vec<u8> {
    let mut text = String::new();
    write(value, &mut text);
    text.into_bytes()
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(member, text);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_in_rfc_8785_form() {
        let value = json!({"b": [1, null, true], "a": {"z": "é\"\\\n\u{7}\u{7f}/", "y": 0}, "a_b": "", "aB": "x"});
        assert_eq!(
            String::from_utf8(canonical(&value)).unwrap(),
            "{\"a\":{\"y\":0,\"z\":\"é\\\"\\\\\\n\\u0007\u{7f}/\"},\"aB\":\"x\",\"a_b\":\"\",\"b\":[1,null,true]}"
        );
    }
}
