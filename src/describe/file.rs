//! What stands in a description.
//!
//! ```yaml
//! settings:                      # of all nodes
//!   maxmemory: 2gb
//! masters:
//!   - node: 10.0.0.1:6379
//!     slots: 0-8191              # or weight: 1; for all masters the same of the two
//!     zone: a
//!     settings: {hz: 20}         # of this node
//!     replicas:
//!       - 10.0.0.2:6379
//!       - {node: 10.0.0.3:6379, zone: b}
//! remove-unlisted: true          # nodes that are not here leave
//! ```

use std::collections::BTreeMap;
use std::fmt;

use rcl_proto::{Address, SlotSet};
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::plan::text_form;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Description {
    /// Of all nodes that are described.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
    pub masters: Vec<Master>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remove_unlisted: bool,
    /// The head of a document that rcl export -o json wrote.
    #[serde(default, skip_serializing)]
    pub rcl: IgnoredAny,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Master {
    #[serde(deserialize_with = "address", serialize_with = "text_form::serialize")]
    pub node: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<Slots>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<Replica>,
}

/// With nothing to say but where it is, just that.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    pub node: Address,
    pub zone: Option<String>,
    pub settings: Settings,
}

impl Description {
    /// Every node with its zone and its own settings; a replica with its master.
    pub fn nodes(&self) -> impl Iterator<Item = Place<'_>> {
        self.masters.iter().flat_map(|master| {
            let own = Place {
                node: &master.node,
                zone: master.zone.as_deref(),
                settings: &master.settings,
                master: None,
            };
            let replicas = master.replicas.iter().map(|replica| Place {
                node: &replica.node,
                zone: replica.zone.as_deref(),
                settings: &replica.settings,
                master: Some(&master.node),
            });
            std::iter::once(own).chain(replicas)
        })
    }

    /// What a node is to have: what all have, and its own before that.
    pub fn settings_of<'a>(&'a self, place: &Place<'a>) -> BTreeMap<&'a str, &'a str> {
        self.settings.iter().chain(place.settings.iter()).collect()
    }

    /// The names of all directives in it.
    pub fn directives(&self) -> Vec<String> {
        let own = self.nodes().flat_map(|place| place.settings.iter());
        let mut names: Vec<String> =
            self.settings.iter().chain(own).map(|(name, _)| name.to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// A node of a description.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub node: &'a Address,
    pub zone: Option<&'a str>,
    pub settings: &'a Settings,
    pub master: Option<&'a Address>,
}

/// As `0-5460 6000`, a comma may stand between; one slot may be a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Slots(pub SlotSet);

impl Serialize for Slots {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slots {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Slots, D::Error> {
        deserializer.deserialize_any(Scalar(|text| {
            let slots = text.replace(',', " ").parse();
            slots.map(Slots).map_err(|error| format!("'{text}': {error}"))
        }))
    }
}

/// A number from 0 up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Weight(pub f64);

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Weight, D::Error> {
        deserializer.deserialize_any(Scalar(|text| {
            let weight = text.parse().ok().filter(|weight: &f64| weight.is_finite() && *weight >= 0.0);
            weight.map(Weight).ok_or_else(|| format!("a weight is a number from 0 up, not {text}"))
        }))
    }
}

/// Directives by name, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Settings(pub BTreeMap<String, String>);

impl Settings {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Settings, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Settings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("directives with their values, as maxmemory: 2gb")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
                let mut settings = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    let name = name.to_ascii_lowercase();
                    let value = map.next_value::<Text>()?.0;
                    if settings.insert(name.clone(), value).is_some() {
                        return Err(A::Error::custom(format!("{name} is set twice")));
                    }
                }
                Ok(Settings(settings))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// One value, whose text is read by this; what it refuses is said with the line of the value.
struct Scalar<T>(fn(&str) -> Result<T, String>);

impl<T> Visitor<'_> for Scalar<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }

    /// As directives have it.
    fn visit_bool<E: Error>(self, truth: bool) -> Result<T, E> {
        self.visit_str(if truth { "yes" } else { "no" })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_any(Scalar(|text| Ok(Text(text.to_owned()))))
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    deserializer.deserialize_any(Scalar(|text| text.parse().map_err(|error| format!("'{text}': {error}"))))
}

/// A replica that says more than where it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Full {
    #[serde(deserialize_with = "address", serialize_with = "text_form::serialize")]
    node: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    settings: Settings,
}

impl Serialize for Replica {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.zone.is_none() && self.settings.is_empty() {
            return serializer.collect_str(&self.node);
        }
        let (node, zone, settings) = (self.node.clone(), self.zone.clone(), self.settings.clone());
        Full { node, zone, settings }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Replica {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Replica, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Replica;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("host:port, or node: host:port with zone and settings")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Replica, E> {
                let node = text.parse().map_err(E::custom)?;
                Ok(Replica { node, zone: None, settings: Settings::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Replica, A::Error> {
                let full = Full::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Replica { node: full.node, zone: full.zone, settings: full.settings })
            }
        }
        deserializer.deserialize_any(Either)
    }
}
