//! What the cluster core is told of the configuration.

use rcl_cluster::Config;

use crate::config::Settings;

/// The core's settings. What is announced falls back to what is really listened on.
pub fn core_config(settings: &Settings) -> Config {
    let or = |announced: u16, real: u16| if announced == 0 { real } else { announced };
    Config {
        port: or(settings.cluster_announce_port, settings.port),
        second_port: settings.cluster_announce_tls_port,
        bus_port: or(settings.cluster_announce_bus_port, settings.bus_port().unwrap_or(0)),
        announce_ip: settings.cluster_announce_ip.clone(),
        hostname: settings.cluster_announce_hostname.clone().unwrap_or_default(),
        human_name: settings.cluster_announce_human_nodename.clone().unwrap_or_default(),
        zone: settings.availability_zone.clone().unwrap_or_default(),
        node_timeout_ms: settings.cluster_node_timeout_ms,
        ping_interval_ms: (settings.cluster_ping_interval_ms != 0)
            .then_some(settings.cluster_ping_interval_ms),
        replica_validity_factor: u64::from(settings.cluster_replica_validity_factor),
        replica_ping_period_ms: settings.repl_ping_replica_period_s.saturating_mul(1000),
        migration_barrier: settings.cluster_migration_barrier as usize,
        allow_replica_migration: settings.cluster_allow_replica_migration,
        require_full_coverage: settings.cluster_require_full_coverage,
        allow_reads_when_down: settings.cluster_allow_reads_when_down,
        allow_pubsubshard_when_down: settings.cluster_allow_pubsubshard_when_down,
        replica_no_failover: settings.cluster_replica_no_failover,
        fast_suspicion: settings.cluster_fast_suspicion,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announced_ports_replace_the_real_ones() {
        let mut settings = Settings::defaults();
        settings.port = 7001;
        assert_eq!((core_config(&settings).port, core_config(&settings).bus_port), (7001, 17001));
        settings.cluster_port = 9000;
        assert_eq!(core_config(&settings).bus_port, 9000);
        settings.cluster_announce_port = 1;
        settings.cluster_announce_bus_port = 2;
        assert_eq!((core_config(&settings).port, core_config(&settings).bus_port), (1, 2));
        assert_eq!(core_config(&settings).second_port, 0, "nobody listens with TLS");
        settings.cluster_announce_tls_port = 3;
        assert_eq!(core_config(&settings).second_port, 3);
    }

    #[test]
    fn no_ping_interval_is_none() {
        let mut settings = Settings::defaults();
        assert_eq!(core_config(&settings).ping_interval_ms, None);
        settings.cluster_ping_interval_ms = 100;
        assert_eq!(core_config(&settings).ping_interval_ms, Some(100));
    }

    #[test]
    fn the_periods_are_milliseconds() {
        let mut settings = Settings::defaults();
        settings.repl_ping_replica_period_s = 10;
        assert_eq!(core_config(&settings).replica_ping_period_ms, 10_000);
    }
}
