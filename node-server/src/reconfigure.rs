//! What a CONFIG SET changes outside of the settings: doors, limits of the system, the log, the append-only file.
//!
//! All of it is done before the new settings hold, in the order of the request, as Redis does. When one thing cannot be done,
//! those before it are undone, and the whole CONFIG SET is refused, in Redis's words.

use std::sync::Arc;

use crate::config::{SetError, Settings};
use crate::net::places;
use crate::node::Node;
use crate::persistence::aof;
use crate::{crash, logging, oom_score, process_title, server};

/// Several directives may have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Doors,
    OpenFiles,
    OomScore,
    LogLevel,
    CrashLog,
    Title,
    AppendOnly,
}

fn effect_of(directive: &str) -> Option<Effect> {
    match directive {
        "port" | "bind" => Some(Effect::Doors),
        "maxclients" => Some(Effect::OpenFiles),
        "oom-score-adj" | "oom-score-adj-values" => Some(Effect::OomScore),
        "proc-title-template" => Some(Effect::Title),
        "loglevel" => Some(Effect::LogLevel),
        "crash-log-enabled" => Some(Effect::CrashLog),
        "appendonly" => Some(Effect::AppendOnly),
        _ => None,
    }
}

/// Carries out what follows from the directives that changed, from the `old` settings to the `new` ones; all or nothing.
pub fn apply(
    node: &Arc<Node>,
    changed: &[&'static str],
    old: &Settings,
    new: &Settings,
) -> Result<(), SetError> {
    let mut begun: Vec<Effect> = Vec::new();
    for &directive in changed {
        let Some(effect) = effect_of(directive).filter(|effect| !begun.contains(effect)) else { continue };
        begun.push(effect);
        if let Err(why) = carry_out(effect, node, new) {
            tracing::warn!(directive, "CONFIG SET failed: what it changed is taken back");
            for effect in begun.into_iter().rev() {
                if carry_out(effect, node, old).is_err() {
                    tracing::error!(?effect, "what CONFIG SET changed could not be taken back");
                }
            }
            let why = why.unwrap_or_else(|| words_of(directive).to_owned());
            return Err(SetError::refused(directive, why));
        }
    }
    Ok(())
}

/// `Err(None)`: what it is is in the log.
fn carry_out(effect: Effect, node: &Arc<Node>, settings: &Settings) -> Result<(), Option<String>> {
    match effect {
        Effect::Doors => {
            let moved = move_doors(node, settings).map_err(|error| {
                tracing::warn!("{error}");
                None
            });
            // Where they are is in the title, but a title that cannot be shown is no reason to stay.
            let _ = process_title::show(node, settings);
            moved
        }
        Effect::OpenFiles => server::raise_open_files_limit(settings.maxclients).map_err(|possible| {
            Some(format!(
                "The operating system is not able to handle the specified number of clients, try with {possible}"
            ))
        }),
        Effect::OomScore => oom_score::adjust(node, settings).map_err(|_| None),
        Effect::Title => process_title::show(node, settings).map_err(|_| None),
        Effect::LogLevel => {
            logging::set_level(settings.loglevel);
            Ok(())
        }
        Effect::CrashLog => {
            crash::follow(settings);
            Ok(())
        }
        Effect::AppendOnly if settings.appendonly => aof::start(node).map_err(|error| {
            tracing::error!("the append-only file cannot be begun: {error}");
            None
        }),
        Effect::AppendOnly => {
            aof::stop(node);
            aof::wait_for_who_was_called_off(node);
            Ok(())
        }
    }
}

/// The bus's doors are at the same addresses, and without `cluster-port` their port follows the clients'.
fn move_doors(node: &Node, settings: &Settings) -> anyhow::Result<()> {
    if let Some(control) = node.control.get() {
        control.move_doors(settings)?;
    }
    // A node in memory has none.
    let Some(doors) = node.doors.get() else { return Ok(()) };
    Ok(doors.change(&places(&settings.bind, settings.port)?)?)
}

fn words_of(directive: &str) -> &'static str {
    match directive {
        "port" => "Unable to listen on this port. Check server logs.",
        "proc-title-template" => "failed to set process title",
        "appendonly" => "Unable to turn on AOF. Check server logs.",
        "bind" => "Failed to bind to specified addresses.",
        _ => "Failed to set current oom_score_adj. Check server logs.",
    }
}

#[cfg(test)]
mod tests {
    use crate::executor::in_memory::clients;

    #[test]
    fn what_cannot_be_carried_out_is_refused_as_a_whole() {
        clients!(node: one);
        let answer = one.ask("CONFIG SET timeout 7 maxclients 4294967295 loglevel debug");
        let expected = "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is \
                        not able to handle the specified number of clients, try with ";
        let possible = answer.strip_prefix(expected).unwrap_or_else(|| panic!("{answer}"));
        let possible: u32 = possible.parse().unwrap();
        assert_eq!(one.ask("CONFIG GET timeout"), "*2 $7 timeout $1 0");
        assert_eq!((node.settings().timeout_s, node.settings().maxclients), (0, 10_000));
        assert_eq!(one.ask(&format!("CONFIG SET maxclients {possible}")), "+OK");
    }
}
