//! Creating clusters: all agree, and soon.

use crate::network::Delay;
use crate::world::{START_MS, World};
use rcl_cluster::{Command, Config, Reply};

#[test]
fn six_fresh_nodes_become_a_cluster_in_well_under_a_second() {
    for seed in 1..=20 {
        let mut world = World::new(seed, 6, &Config::default());
        world.network.delay = Delay::Uniform(2);
        world.create(3);
        let took_ms = world.now_ms - START_MS;
        assert!(took_ms <= 400, "seed {seed}: {took_ms} ms of virtual time");
        world.checkers.assert_clean(seed);
        let Reply::Text(info) = world.command(5, Command::Info) else { panic!("INFO is a text") };
        for line in ["cluster_state:ok", "cluster_slots_ok:16384", "cluster_known_nodes:6", "cluster_size:3"]
        {
            assert!(info.contains(&format!("{line}\r\n")), "{info}");
        }
    }
}
