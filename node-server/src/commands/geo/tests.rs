//! Each command by a few words with a node in memory. (How it compares with a real server, the differential tests see.)

use crate::executor::in_memory::{clients, converse};

#[test]
fn adding_and_reading() {
    clients!(node: one);
    converse(
        &mut one,
        &[
            ("GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2"),
            ("GEOADD s NX 0 0 Palermo", ":0"),
            ("GEOADD s XX CH 13.361389 38.2 Palermo 1 1 Rome", ":1"),
            ("GEOADD s CH 13.361389 38.115556 Palermo", ":1"),
            ("GEOADD s NX XX 1 1 a", "-ERR syntax error"),
            ("GEOADD s 1 1", "-ERR wrong number of arguments for 'geoadd' command"),
            ("GEOADD s 200 10 a", "-ERR invalid longitude,latitude pair 200.000000,10.000000"),
            ("GEOADD s x 10 a", "-ERR value is not a valid float"),
            ("GEODIST s Palermo Catania", "$11 166274.1516"),
            ("GEODIST s Palermo Catania km", "$8 166.2742"),
            ("GEODIST s Palermo Rome", "$-1"),
            (
                "GEODIST s Palermo Catania lightyear",
                "-ERR unsupported unit provided. please use M, KM, FT, MI",
            ),
            ("GEOHASH s Palermo Rome", "*2 $11 sqc8b49rny0 $-1"),
            ("GEOPOS s Palermo Rome", "*2 *2 $20 13.36138933897018433 $20 38.11555639549629859 *-1"),
            ("GEOPOS none a", "*1 *-1"),
            ("ZSCORE s Palermo", "$16 3479099956230698"),
        ],
    );
}

#[test]
fn searching() {
    clients!(node: one);
    one.ask("GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.5 41.9 Rome");
    converse(
        &mut one,
        &[
            ("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km ASC", "*2 $7 Catania $7 Palermo"),
            ("GEOSEARCH s FROMMEMBER Rome BYBOX 900 900 km ASC COUNT 1 WITHDIST", "*1 *2 $4 Rome $6 0.0000"),
            ("GEOSEARCH s FROMMEMBER Rome BYRADIUS 10 km WITHHASH", "*1 *2 $4 Rome :3480343095893889"),
            ("GEORADIUS s 15 37 200 km DESC", "*2 $7 Palermo $7 Catania"),
            ("GEORADIUS_RO s 15 37 100 km", "*1 $7 Catania"),
            ("GEORADIUSBYMEMBER s Catania 200 km COUNT 1", "*1 $7 Catania"),
            ("GEORADIUSBYMEMBER_RO s Catania 1 m STORE d", "-ERR syntax error"),
            ("GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km", ":2"),
            ("GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST", ":2"),
            ("ZRANGE d 0 0 WITHSCORES", "*2 $7 Catania $16 56.4412578701582"),
            ("GEORADIUS s 15 37 100 km STORE d", ":1"),
            ("ZCARD d", ":1"),
            ("GEORADIUS none 15 37 100 km STORE d", ":0"),
            ("EXISTS d", ":0"),
            ("GEOSEARCH none FROMMEMBER a BYRADIUS 1 m", "*0"),
            ("GEOSEARCH s FROMMEMBER a BYRADIUS 1 m", "-ERR could not decode requested zset member"),
            (
                "GEOSEARCH s BYRADIUS 1 m ASC WITHDIST",
                "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH",
            ),
            (
                "GEOSEARCH s FROMLONLAT 1 1 ASC WITHDIST",
                "-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH",
            ),
            ("GEOSEARCH s FROMLONLAT 1 1 BYRADIUS 1 m ANY", "-ERR the ANY argument requires COUNT argument"),
            ("GEOSEARCH s FROMLONLAT 1 1 BYRADIUS 1 m COUNT 0", "-ERR COUNT must be > 0"),
            ("GEOSEARCH s FROMLONLAT 1 1 BYRADIUS -1 m", "-ERR radius cannot be negative"),
            (
                "GEORADIUS s 1 1 1 m STORE d WITHDIST",
                "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
            ),
        ],
    );
}

#[test]
fn replicas_get_scores() {
    clients!(node: one);
    let before = node.replication.offset();
    one.ask("GEOADD s XX 1 1 a");
    assert_eq!(node.replication.offset(), before);
    one.ask("GEOADD s CH 13.361389 38.115556 Palermo");
    let log = node.replication.take_from_log(0, before, usize::MAX).unwrap().concat();
    let log = String::from_utf8(log).unwrap();
    assert!(
        log.ends_with("ZADD\r\n$1\r\ns\r\n$2\r\nCH\r\n$16\r\n3479099956230698\r\n$7\r\nPalermo\r\n"),
        "{log}"
    );
}
