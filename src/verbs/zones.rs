//! The option of all verbs that choose masters for replicas.

use crate::plan::placement::ZoneOf;

#[derive(Debug, Default, clap::Args)]
pub struct ZoneArgs {
    /// The zone of a host (or of HOST:PORT), where nodes do not say it themselves as Valkey's do. May be given several times
    #[arg(long, value_name = "HOST=ZONE", value_delimiter = ',')]
    pub zone: Vec<ZoneOf>,
}
