//! What `rcl fix` does not decide by itself, since data may be lost one way or the other; and what can be chosen.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;

use crate::health::Code;

/// One answer to one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub word: &'static str,
    pub does: &'static str,
}

/// The first leaves things as they are.
pub const LEAVE: usize = 0;

/// All questions, each with its answers.
pub const QUESTIONS: &[(Code, &[Answer])] = &[
    (
        Code::LostShard,
        &[
            Answer { word: "wait", does: "leave it: start one of its nodes again, and nothing is lost" },
            Answer {
                word: "give-up",
                does: "the other masters get its slots, empty; its dead nodes are forgotten, and what they hold is lost",
            },
        ],
    ),
    (
        Code::MasterSilent,
        &[
            Answer { word: "wait", does: "leave it: a replica takes over by itself when most masters agree" },
            Answer {
                word: "promote",
                does: "its most advanced replica takes over now; writes that it had not got are lost",
            },
        ],
    ),
    (
        Code::UncoveredSlots,
        &[
            Answer { word: "wait", does: "leave them: a node that does not answer may hold their keys" },
            Answer {
                word: "assign",
                does: "the other masters get them, empty; keys that a silent node holds are lost when it comes back",
            },
        ],
    ),
    (
        Code::OrphanKeys,
        &[
            Answer { word: "keep", does: "leave them where nobody sees them" },
            Answer {
                word: "return",
                does: "they go to the owner of their slot; one that it has with another value stops it, and is named",
            },
            Answer {
                word: "delete",
                does: "they are deleted where they lie; the owner's keys are not touched",
            },
        ],
    ),
];

pub fn options(code: Code) -> &'static [Answer] {
    QUESTIONS.iter().find(|(asked, _)| *asked == code).map_or(&[], |(_, options)| options)
}

/// `orphan-keys=return`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub code: Code,
    pub word: &'static str,
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Choice, String> {
        let (code, word) = text.split_once('=').ok_or("expected FINDING=CHOICE, as orphan-keys=return")?;
        let code = Code::from_str(code, false).map_err(|_| format!("there is no finding '{code}'"))?;
        let options = options(code);
        if options.is_empty() {
            let asked: Vec<String> = QUESTIONS.iter().map(|(code, _)| name(*code)).collect();
            return Err(format!("there is nothing to choose there; there is for {}", asked.join(", ")));
        }
        let words: Vec<&str> = options.iter().map(|option| option.word).collect();
        let found = words.iter().find(|known| **known == word);
        let word = found.ok_or_else(|| format!("'{word}' is none of {}", words.join(", ")))?;
        Ok(Choice { code, word })
    }
}

pub fn name(code: Code) -> String {
    code.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// What was chosen; the last word on each counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices(BTreeMap<Code, &'static str>);

impl Choices {
    pub fn new(choices: &[Choice]) -> Choices {
        Choices(choices.iter().map(|choice| (choice.code, choice.word)).collect())
    }

    pub fn set(&mut self, code: Code, word: &'static str) {
        self.0.insert(code, word);
    }

    pub fn of(&self, code: Code) -> Option<&'static str> {
        self.0.get(&code).copied()
    }
}

/// Something that the user has to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub code: Code,
    /// What it is about.
    pub about: Vec<String>,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = name(self.code);
        write!(f, "{code}: {}", self.about.join("; "))?;
        for option in options(self.code) {
            write!(f, "\n    --choose {code}={}  {}", option.word, option.does)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_one_of_those_that_there_are() {
        assert_eq!("orphan-keys=return".parse(), Ok(Choice { code: Code::OrphanKeys, word: "return" }));
        for (text, why) in [
            ("orphan-keys", "FINDING=CHOICE"),
            ("nonsense=x", "no finding 'nonsense'"),
            ("no-replica=x", "nothing to choose there; there is for lost-shard"),
            ("orphan-keys=burn", "'burn' is none of keep, return, delete"),
        ] {
            let error = text.parse::<Choice>().unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn every_question_can_be_left_open() {
        for (code, options) in QUESTIONS {
            assert!(options.len() > 1 && ["wait", "keep"].contains(&options[LEAVE].word), "{code:?}");
        }
    }
}
