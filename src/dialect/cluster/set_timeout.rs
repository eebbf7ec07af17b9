//! `--cluster set-timeout`: `cluster-node-timeout` of every node, also in its configuration file.

use super::Done;
use super::show::Picture;
use super::told::{bad, info, say, warning};
use crate::connect::{Link, LinkError, Words};
use crate::dialect::options::Refusal;

/// Below this nodes would suspect each other for nothing.
const LEAST_MS: u64 = 100;

pub fn parse(words: &[Vec<u8>]) -> Result<u64, Refusal> {
    let number = match words {
        [word] => std::str::from_utf8(word).ok().and_then(|word| word.parse().ok()),
        _ => None,
    };
    match number {
        Some(timeout_ms) if timeout_ms >= LEAST_MS => Ok(timeout_ms),
        Some(_) => {
            Err(Refusal::Wrong("Setting a node timeout of less than 100 milliseconds is a bad idea.".into()))
        }
        None => Err(Refusal::Wrong("[ERR] set-timeout takes a node and a number of milliseconds".into())),
    }
}

pub async fn run(picture: &Picture, timeout_ms: u64) -> Done {
    say(&info(">>> Reconfiguring node timeout in every cluster node...\n"));
    let (mut set, mut failed) = (0, 0);
    for node in picture.nodes() {
        let address = picture.address(node);
        match reconfigure(picture.cluster.link(node.id)?, timeout_ms).await {
            Ok(()) => {
                say(&warning(&format!("*** New timeout set for {address}\n")));
                set += 1;
            }
            Err(error) => {
                say(&bad(&format!("ERR setting node-timeout for {address}: {error}\n")));
                failed += 1;
            }
        }
    }
    say(&info(&format!(">>> New node timeout set. {set} OK, {failed} ERR.\n")));
    Ok(failed == 0)
}

async fn reconfigure(link: &Link, timeout_ms: u64) -> Result<(), LinkError> {
    link.call(Words::of(&["CONFIG", "SET", "cluster-node-timeout"]).and(timeout_ms.to_string())).await?;
    link.call(Words::of(&["CONFIG", "REWRITE"])).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_a_number_that_is_not_too_small() {
        let words = |text: &str| vec![text.as_bytes().to_vec()];
        assert_eq!(parse(&words("5000")), Ok(5000));
        assert!(parse(&words("99")).is_err());
        assert!(parse(&words("x")).is_err());
        assert!(parse(&[]).is_err());
    }
}
