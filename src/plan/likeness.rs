//! How a node that is to join differs from one that is there: in settings that decide over safety, and in ACL users. Pure.
//!
//! A password is compared and never shown: it differs, or is missing.

use std::collections::{BTreeMap, BTreeSet};

use crate::health::SETTINGS_OF_NOTE;

use super::{NodeRef, Step};

/// What a node says of itself; `None` where it does not let us see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    pub settings: Option<BTreeMap<String, String>>,
    /// By name, the rules as ACL LIST has them.
    pub users: Option<BTreeMap<String, String>>,
}

/// Set for who logs in, and for who follows; what they are is nobody's business.
const SECRETS: &[&str] = &["masterauth", "requirepass"];
/// Those that belong to the other side of a login, and go with the secrets.
const LOGIN: &[&str] = &["masteruser"];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Likeness {
    /// The directive; here and there, as they are to be shown.
    pub settings: Vec<(String, String, String)>,
    /// Users that the newcomer lacks, or knows otherwise.
    pub users: Vec<String>,
    /// What could not be compared.
    pub unseen: Vec<&'static str>,
}

pub fn compare(new: &Manner, model: &Manner) -> Likeness {
    let mut likeness = Likeness::default();
    match (&new.settings, &model.settings) {
        (Some(new), Some(model)) => likeness.settings = differing(new, model),
        _ => likeness.unseen.push("settings"),
    }
    match (&new.users, &model.users) {
        (Some(new), Some(model)) => {
            let differs = |(name, rules): &(&String, &String)| {
                !new.get(*name).is_some_and(|own| same_rules(own, rules))
            };
            likeness.users = model.iter().filter(differs).map(|(name, _)| name.clone()).collect();
        }
        _ => likeness.unseen.push("ACL users"),
    }
    likeness
}

/// `sanitize-payload` is said of a user who was reset and not of one who never was; it is so in any case.
fn same_rules(left: &str, right: &str) -> bool {
    let words = |rules: &str| -> Vec<String> {
        rules.split(' ').filter(|word| *word != "sanitize-payload").map(str::to_owned).collect()
    };
    words(left) == words(right)
}

fn differing(
    new: &BTreeMap<String, String>,
    model: &BTreeMap<String, String>,
) -> Vec<(String, String, String)> {
    let names: BTreeSet<&str> = SECRETS.iter().chain(LOGIN).chain(SETTINGS_OF_NOTE).copied().collect();
    let mut found = Vec::new();
    for name in names {
        let (Some(here), Some(there)) = (new.get(name), model.get(name)) else { continue };
        if here == there {
            continue;
        }
        let shown = |value: &str| match value {
            "" => "(empty)".to_owned(),
            _ if SECRETS.contains(&name) => "(set)".to_owned(),
            value => value.to_owned(),
        };
        let (here, there) = (shown(here), shown(there));
        let there = if here == there { "(another)".to_owned() } else { there };
        found.push((name.to_owned(), here, there));
    }
    found
}

impl Likeness {
    /// Before the newcomer joins: a follower needs its login, and data their limits, before they come.
    pub fn steps(&self, new: &NodeRef, model: &NodeRef, copy_settings: bool, copy_acl: bool) -> Vec<Step> {
        let (source, target) = (model.clone(), new.clone());
        let mut steps = Vec::new();
        if copy_settings && !self.settings.is_empty() {
            let names = self.settings.iter().map(|(name, ..)| name.clone()).collect();
            steps.push(Step::CopySettings { source: source.clone(), target: target.clone(), names });
        }
        if copy_acl && !self.users.is_empty() {
            steps.push(Step::CopyUsers { source, target, names: self.users.clone() });
        }
        steps
    }

    /// What stays different.
    pub fn warnings(
        &self,
        new: &NodeRef,
        model: &NodeRef,
        copy_settings: bool,
        copy_acl: bool,
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        if !copy_settings && !self.settings.is_empty() {
            let each: Vec<String> = self
                .settings
                .iter()
                .map(|(name, here, there)| format!("{name} {here}, there {there}"))
                .collect();
            warnings.push(format!(
                "{} is set otherwise than {}: {}; --copy-settings takes these over",
                new.address,
                model.address,
                each.join("; ")
            ));
        }
        if !copy_acl && !self.users.is_empty() {
            warnings.push(format!(
                "{} does not have these ACL users as {} has them: {}; --copy-acl takes them over",
                new.address,
                model.address,
                self.users.join(", ")
            ));
        }
        if !self.unseen.is_empty() {
            let what = self.unseen.join(" and ");
            warnings.push(format!("{what} are not compared: one of the nodes does not let us see them"));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::rebalance::tests::{id, topology};

    fn map(pairs: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
        Some(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    fn nodes() -> (NodeRef, NodeRef) {
        let topology = topology(&[8192, 8192]);
        (NodeRef::of(topology.node(id(1)).unwrap()), NodeRef::of(topology.node(id(2)).unwrap()))
    }

    #[test]
    fn what_differs_is_shown_and_copied_on_request_and_no_password_is_told() {
        let new = Manner {
            settings: map(&[
                ("maxmemory", "0"),
                ("requirepass", ""),
                ("masterauth", "old"),
                ("logfile", "a"),
                ("save", ""),
            ]),
            users: map(&[("default", "on nopass"), ("app", "on #1")]),
        };
        let model = Manner {
            settings: map(&[
                ("maxmemory", "100"),
                ("requirepass", "secret"),
                ("masterauth", "new"),
                ("logfile", "b"),
                ("save", ""),
            ]),
            users: map(&[("default", "on nopass"), ("app", "on #2"), ("ops", "off")]),
        };
        let likeness = compare(&new, &model);
        let names: Vec<&str> = likeness.settings.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["masterauth", "maxmemory", "requirepass"]);
        assert_eq!(likeness.users, ["app", "ops"]);
        let (there, here) = nodes();
        let warnings = likeness.warnings(&here, &there, false, false).concat();
        assert!(warnings.contains("maxmemory 0, there 100") && warnings.contains("app, ops"), "{warnings}");
        assert!(
            warnings.contains("masterauth (set), there (another)")
                && warnings.contains("requirepass (empty), there (set)")
        );
        assert!(!warnings.contains("secret") && !warnings.contains("old"), "{warnings}");
        assert!(likeness.steps(&here, &there, false, false).is_empty());
        let steps = likeness.steps(&here, &there, true, true);
        assert!(
            matches!(&steps[0], Step::CopySettings { target, names, .. } if *target == here && names.len() == 3)
        );
        assert!(matches!(&steps[1], Step::CopyUsers { names, .. } if names.len() == 2));
        assert!(likeness.warnings(&here, &there, true, true).is_empty());
    }

    #[test]
    fn what_is_so_in_any_case_makes_no_difference() {
        assert!(same_rules("on sanitize-payload #1 ~*", "on #1 ~*"));
        assert!(!same_rules("on skip-sanitize-payload #1 ~*", "on #1 ~*") && !same_rules("on #1", "off #1"));
    }

    #[test]
    fn what_cannot_be_seen_is_said() {
        let likeness = compare(&Manner::default(), &Manner { users: map(&[]), ..Manner::default() });
        let (there, here) = nodes();
        assert!(
            likeness.warnings(&here, &there, true, true)[0]
                .starts_with("settings and ACL users are not compared")
        );
    }
}
