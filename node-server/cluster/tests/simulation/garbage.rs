//! Damaged and forged packets.

use rand::RngExt;
use rcl_cluster::Config;

use crate::world::World;

/// On links of known peers and of strangers: nothing panics, and once they stop the cluster is what it was.
#[test]
fn garbage_on_the_bus_crashes_nobody() {
    for seed in 1..=4 {
        let mut world = World::new(seed, 6, &Config { node_timeout_ms: 1_000, ..Config::default() });
        world.create(3);
        world.keep_packets = true;
        world.run_for(3_000);
        let kept = std::mem::take(&mut world.kept);
        assert!(kept.len() > 50);
        world.keep_packets = false;
        for _ in 0..3_000 {
            let (index, link, bytes) = &kept[world.rng.random_range(0..kept.len())];
            let mut bytes = bytes.to_vec();
            // Into the header's small fields and the body more often than into the slot bitmap.
            for _ in 0..world.rng.random_range(1..6) {
                let length = bytes.len();
                let at = match world.rng.random_range(0..3) {
                    0 => world.rng.random_range(8..80),
                    1 => world.rng.random_range(2128..length),
                    _ => world.rng.random_range(0..length),
                };
                bytes[at] = world.rng.random();
            }
            if world.rng.random_range(0..4) == 0 {
                bytes.truncate(world.rng.random_range(0..bytes.len()));
            }
            world.inject(*index, *link, bytes);
        }
        world.run_for(5_000);
        assert_eq!(world.up().count(), 6);
    }
}
