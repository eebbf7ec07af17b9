//! Any bytes as a packet of the bus: an error, or a packet whose parts can be read and written again, to bytes that
//! mean the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rcl_cluster::packet::{self, Body, Kind, MESSAGE_EXTENSIONS, Packet, Writer};
use rcl_proto::SlotSet;

fuzz_target!(|bytes: &[u8]| {
    let _ = packet::frame_length(bytes);
    if let Ok(publish) = packet::light::decode(bytes) {
        let again = packet::light::encode(publish);
        assert_eq!(packet::light::decode(&again), Ok(publish), "a light packet comes back as it was");
    }
    let Ok(packet) = packet::decode(bytes) else { return };
    let Some(kind) = packet.kind else { return };
    let Some(again) = write_again(kind, &packet) else { return };
    let second = packet::decode(&again).expect("what we write can be read");
    assert_eq!(packet.header.sender, second.header.sender);
    assert_eq!(packet.header.slots, second.header.slots);
    assert_eq!(write_again(kind, &second).as_deref(), Some(again.as_slice()), "writing is stable");
});

fn write_again(kind: Kind, packet: &Packet<'_>) -> Option<Vec<u8>> {
    let mut header = packet.header.clone();
    header.message_flags &= !MESSAGE_EXTENSIONS;
    let mut writer = Writer::new(kind, &header);
    match packet.body {
        Body::Heartbeat { gossip, extensions } => {
            packet::gossip_entries(gossip).for_each(|entry| writer.gossip(&entry));
            packet::extensions(extensions).for_each(|extension| writer.extension(&extension));
        }
        Body::Fail(node) => writer.fail(node?),
        Body::Publish { channel, message } => writer.publish(channel, message),
        Body::Update { config_epoch, node, slots } => {
            writer.update(config_epoch, node?, &SlotSet::from_bytes(slots));
        }
        Body::Module { module, kind, payload } => writer.module(module, kind, payload),
        Body::Empty => {}
        Body::Unknown => return None,
    }
    Some(writer.finish())
}
