use super::*;
use proptest::prelude::*;
use rcl_proto::resp::OwnedArgs;
use rcl_store::aof::CommandReader;

fn id(letter: u8) -> ReplicationId {
    ReplicationId::parse(&[letter; 40]).unwrap()
}

/// What the append-only file gets from `position` on.
fn data_from(log: &mut ReplicationLog, position: u64) -> String {
    let (pieces, end) = log.read_data(position, u64::MAX, usize::MAX).unwrap();
    assert_eq!(end, log.file_end());
    let text = |piece: DataPiece| match piece {
        DataPiece::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        DataPiece::Second(second) => format!("<{second}>"),
    };
    pieces.into_iter().map(text).collect()
}

#[test]
fn for_the_file_alone_nothing_is_kept_that_it_has() {
    let mut log = ReplicationLog::new(id(b'a'), 1 << 20);
    log.attach_file(false);
    assert!(log.is_written() && !log.is_active());
    let value = "x".repeat(BLOCK_BYTES);
    let first = append(&mut log, 0, &format!("SET k {value}"));
    log.release_for_file(first);
    append(&mut log, 0, &format!("SET k {value}"));
    assert_eq!((log.start(), log.kept()), (first, None));
    // A history that begins is a new one, and keeps what comes.
    log.begin(id(b'b'));
    let place = log.end();
    append(&mut log, 0, "DEL a");
    assert_eq!(log.history().id, id(b'b'));
    assert!(data_from(&mut log, place).starts_with("*2\r\n$6\r\nSELECT"));
    // It may end, and the file goes on.
    log.retire(id(b'c'));
    assert_eq!(log.kept(), None);
    assert!(data_from(&mut log, place).ends_with("$1\r\na\r\n"));
    log.detach_file();
    assert_eq!((log.is_written(), log.read(place, 10)), (false, None));
}

#[test]
fn what_only_the_file_still_reads_is_no_backlog() {
    let mut log = active(1024);
    log.attach_file(false);
    let first = log.end();
    let value = "x".repeat(10 * BLOCK_BYTES);
    let end = append(&mut log, 0, &format!("SET k {value}"));
    // All of it is there for the file, and for a replica that reads it.
    assert_eq!(log.start(), first);
    let kept = log.kept().unwrap();
    assert!(*kept.start() > end - 4096 && *kept.end() == end, "{kept:?}");
    log.pin(7, end - 50_000);
    assert!(log.kept().unwrap().contains(&(end - 50_000)));
    log.unpin(7);
    assert_eq!(log.kept().unwrap(), kept);
    log.release_for_file(end);
    assert_eq!((log.kept().unwrap(), log.start()), (kept.clone(), *kept.start()));
}

#[test]
fn what_is_about_no_data_does_not_come_into_the_file() {
    let mut log = active(1024);
    log.attach_file(false);
    log.append_notice(&[b"PING"]);
    append(&mut log, 0, "DEL a");
    log.append_notice(&[b"PING"]);
    log.append_notice(&[b"PING"]);
    let setslot = OwnedArgs::new(["CLUSTER", "SETSLOT"].map(str::as_bytes));
    let place = log.end();
    log.append_setslot(0, setslot.as_args());
    assert_eq!(log.setslot_end(), log.end());
    append(&mut log, 0, "DEL b");
    let select = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";
    let deletion = |key: &str| format!("{select}*2\r\n$3\r\nDEL\r\n$1\r\n{key}\r\n");
    assert_eq!(data_from(&mut log, 0), deletion("a") + &deletion("b"));
    assert_eq!(data_from(&mut log, place + 5), deletion("b"));
    let place = log.end();
    log.append_stream(b"\n*1\r\n$4\r\nPING\r\nDATAmore\n", 3, &[0..1, 1..15, 23..24]);
    assert_eq!(data_from(&mut log, place), "DATAmore");
    log.release_for_file(log.file_end());
    assert!(log.apart.is_empty());
}

#[test]
fn seconds_stand_before_what_was_written_in_them() {
    let mut log = active(1024);
    log.attach_file(true);
    append(&mut log, 0, "DEL a");
    let place = log.end();
    append(&mut log, 0, "DEL b");
    assert!(log.seconds.as_ref().is_some_and(|seconds| seconds[0].0 == 0));
    log.seconds = Some([(0, 7), (place, 8)].into());
    let text = data_from(&mut log, 0);
    assert!(text.starts_with("<7>*2\r\n$6\r\nSELECT"), "{text}");
    assert!(text.contains("a\r\n<8>*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n"), "{text}");
    log.release_for_file(place);
    assert!(data_from(&mut log, place).starts_with("<8>"));
}

/// What a reader of a stream does, with the database in which it does it; without what is about no data.
fn commands_in(stream: &[u8]) -> Vec<(String, String)> {
    let mut reader = CommandReader::new(stream, 0);
    let mut database = "none".to_owned();
    let mut commands = Vec::new();
    while reader.advance().unwrap() {
        let words: Vec<_> =
            reader.args().iter().map(|word| String::from_utf8(word.to_vec()).unwrap()).collect();
        match words[0].as_str() {
            "SELECT" => database = words[1].clone(),
            "PING" => {}
            _ => commands.push((database.clone(), words.join(" "))),
        }
    }
    commands
}

#[test]
fn a_replicas_file_gets_what_its_clients_wrote_between_the_masters_records() {
    let mut log = active(1024);
    log.restart_at(History::new(id(b'c')), 5000, None);
    log.attach_file(false);
    let start = log.file_end();
    let own = |line: &str| OwnedArgs::new(line.split(' ').map(str::as_bytes));
    log.append_alone([(Some(1), own("SET own 1").as_args())].into_iter(), Some(4));
    log.append_stream(b"*2\r\n$3\r\nDEL\r\n$1\r\na\r\n", 4, &[]);
    log.append_alone([(Some(1), own("SET own 2").as_args())].into_iter(), Some(4));
    log.append_alone([(Some(4), own("SET own 3").as_args())].into_iter(), Some(4));
    log.append_stream(b"*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n", 4, &[]);
    assert_eq!((log.end(), log.file_end()), (5040, 5043));
    let file = data_from(&mut log, start);
    let expected =
        [("1", "SET own 1"), ("4", "DEL a"), ("1", "SET own 2"), ("4", "SET own 3"), ("4", "DEL b")];
    let expected = expected.map(|(database, command)| (database.to_owned(), command.to_owned()));
    assert_eq!(commands_in(file.as_bytes()), expected);
    assert_eq!(log.release_for_file(start + 1 + 20 + 1), 5020);
    assert_eq!(log.alone.len(), 1);
}

fn active(backlog_bytes: u64) -> ReplicationLog {
    let mut log = ReplicationLog::new(id(b'a'), backlog_bytes);
    log.begin(id(b'b'));
    log
}

fn append(log: &mut ReplicationLog, database: usize, line: &str) -> u64 {
    let args = OwnedArgs::new(line.split(' ').map(str::as_bytes));
    log.append(database, std::iter::once(args.as_args()))
}

#[test]
fn a_transaction_selects_its_database_inside() {
    let mut log = active(100_000);
    let commands = [(None, ["MULTI"]), (Some(2), ["PING"]), (None, ["EXEC"])];
    let commands = commands.map(|(database, words)| (database, OwnedArgs::new(words.map(str::as_bytes))));
    log.append_each(commands.iter().map(|(database, command)| (*database, command.as_args())));
    let expected =
        "*1\r\n$5\r\nMULTI\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nEXEC\r\n";
    assert_eq!(String::from_utf8(everything_from(&mut log, 0)).unwrap(), expected);
}

#[test]
fn what_it_takes_in_memory_follows_what_it_keeps() {
    let mut log = active(100_000);
    log.pin(1, 0);
    let value = "x".repeat(1000);
    (0..1000).for_each(|_| _ = append(&mut log, 0, &format!("SET key {value}")));
    let kept = log.memory_bytes() as u64;
    assert!((log.end()..log.end() * 11 / 10).contains(&kept), "{kept} for {}", log.end());
    log.unpin(1);
    assert!(log.memory_bytes() < 250_000, "{}", log.memory_bytes());
    log.retire(id(b'c'));
    assert!(log.memory_bytes() < 50_000);
}

fn everything_from(log: &mut ReplicationLog, position: u64) -> Vec<u8> {
    log.read(position, usize::MAX).unwrap().concat()
}

#[test]
fn an_idle_log_stands_still() {
    let mut log = ReplicationLog::new(id(b'a'), 1024);
    append(&mut log, 0, "SET k v");
    assert_eq!((log.end(), log.kept(), log.read(0, 10)), (0, None, None));
    log.begin(id(b'b'));
    assert_eq!(log.history().id, id(b'b'));
    append(&mut log, 0, "SET k v");
    let expected = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
    assert_eq!(everything_from(&mut log, 0), expected.as_bytes());
}

#[test]
fn the_database_is_said_when_it_changes() {
    let mut log = active(1024);
    append(&mut log, 0, "DEL a");
    let place = append(&mut log, 0, "DEL b");
    append(&mut log, 3, "DEL c");
    assert_eq!(
        everything_from(&mut log, place),
        b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$3\r\nDEL\r\n$1\r\nc\r\n"
    );
    let place = log.end();
    log.append_notice(&[b"PING"]);
    append(&mut log, 3, "DEL d");
    log.forget_database();
    append(&mut log, 3, "DEL e");
    let expected = "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nDEL\r\n$1\r\nd\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$3\r\nDEL\r\n$1\r\ne\r\n";
    assert_eq!(everything_from(&mut log, place), expected.as_bytes());
}

#[test]
fn a_reader_holds_what_it_has_not_read() {
    let mut log = active(1000);
    log.pin(1, 0);
    let value = "x".repeat(5000);
    for _ in 0..20 {
        append(&mut log, 0, &format!("SET k {value}"));
    }
    assert_eq!(log.start(), 0);
    log.pin(1, 60_000);
    append(&mut log, 0, &format!("SET k {}", "x".repeat(BLOCK_BYTES)));
    assert!(log.start() > 30_000 && log.start() <= 60_000, "{}", log.start());
    log.unpin(1);
    assert!(log.end() - log.start() < 1000 + 2 * BLOCK_BYTES as u64);
    assert_eq!(log.read(log.start() - 1, 10), None);
    assert_eq!(log.read(log.end() + 1, 10), None);
    assert_eq!(log.read(log.end(), 10), Some(Vec::new()));
}

/// Readers that take each record at once close a block with it; what they have goes nevertheless.
#[test]
fn a_reader_that_keeps_up_holds_no_more_than_the_backlog() {
    let mut log = active(50_000);
    log.pin(1, 0);
    for _ in 0..2000 {
        let place = log.end();
        append(&mut log, 0, &format!("SET k {}", "x".repeat(100)));
        assert!(log.read(place, usize::MAX).is_some());
        log.move_pin(1, place);
    }
    let kept = log.end() - log.start();
    assert!((50_000..51_000).contains(&kept), "{kept}");
}

/// Else who missed all of a long transaction could go on from before it, however small the backlog is.
#[test]
fn of_a_record_longer_than_the_backlog_only_the_end_is_kept() {
    let mut log = active(16 * 1024);
    log.pin(1, 0);
    log.unpin(1);
    let end = append(&mut log, 0, &format!("SET k {}", "x".repeat(160_000)));
    let kept = end - log.start();
    assert!((16 * 1024..17 * 1024 + 1).contains(&kept), "{kept}");
    let start = log.start();
    assert_eq!(everything_from(&mut log, start).len() as u64, kept);
}

#[test]
fn who_is_no_reader_any_more_holds_nothing_by_reading_on() {
    let mut log = active(1000);
    log.pin(1, 0);
    log.move_pin(1, 500);
    log.unpin(1);
    log.move_pin(1, 600);
    assert_eq!(log.reader_count(), 0);
}

#[test]
fn following_another_log() {
    let mut log = active(1000);
    append(&mut log, 0, "DEL a");
    log.restart_at(History::new(id(b'c')), 5000, Some(2));
    assert_eq!(log.kept(), Some(5000..=5000));
    log.append_stream(b"*1\r\n$4\r\nPING\r\n", 2, &[]);
    assert_eq!(log.end(), 5014);
    assert_eq!(everything_from(&mut log, 5000), b"*1\r\n$4\r\nPING\r\n");
}

proptest! {
    #[test]
    fn reads_are_what_was_written(
        backlog_bytes in prop_oneof![Just(u64::MAX), Just(1u64), 1_000u64..200_000],
        writes in proptest::collection::vec((0usize..3, 1usize..9000), 1..60),
        reads in proptest::collection::vec((0usize..60, 1usize..40_000), 0..60),
    ) {
        let mut log = active(backlog_bytes);
        log.pin(1, 0);
        let mut model = Vec::new();
        let mut place = 0u64;
        let mut read = Vec::new();
        for (turn, (database, length)) in writes.iter().enumerate() {
            let before = log.end();
            append(&mut log, *database, &"y".repeat(*length));
            model.extend(everything_from(&mut log, before));
            for (_, limit) in reads.iter().filter(|(at, _)| *at == turn) {
                let piece = log.read(place, *limit).unwrap().concat();
                prop_assert!(piece.len() <= *limit);
                place += piece.len() as u64;
                read.extend(piece);
                log.move_pin(1, place);
            }
        }
        prop_assert_eq!(log.end(), model.len() as u64);
        read.extend(everything_from(&mut log, place));
        prop_assert!(read == model);
    }

    /// However it is read: in pieces, from the last place again, or up to some place.
    #[test]
    fn replicas_and_the_file_get_what_is_theirs(
        writes in proptest::collection::vec((0u8..5, 0usize..3, 0usize..3), 1..40),
        reads in proptest::collection::vec((1usize..90, 0u64..120, any::<bool>()), 1..80),
    ) {
        let mut log = active(u64::MAX);
        log.attach_file(false);
        let (mut for_replicas, mut for_file) = (Vec::new(), Vec::new());
        for (number, &(kind, database, other)) in writes.iter().enumerate() {
            let commands = [database, other].map(|database| {
                let line = format!("SET key{database} {number}");
                (database, OwnedArgs::new(line.split(' ').map(str::as_bytes)), line)
            });
            let all = || commands.iter().map(|(database, command, _)| (Some(*database), command.as_args()));
            let told = |(database, _, line): &(usize, OwnedArgs, String)| (database.to_string(), line.clone());
            let (replicas_part, files_part) = match kind {
                0 => {
                    log.append_notice(&[b"PING"]);
                    (0..0, 0..0)
                }
                1 => {
                    log.append_each(all());
                    (0..2, 0..2)
                }
                2 => {
                    log.append_parted(all().take(1), all());
                    (0..1, 0..2)
                }
                3 => {
                    log.append_parted(all().take(0), all());
                    (0..0, 0..2)
                }
                _ => {
                    log.append_parted(all(), all().take(1));
                    (0..2, 0..1)
                }
            };
            for_replicas.extend(commands[replicas_part].iter().map(told));
            for_file.extend(commands[files_part].iter().map(told));
        }
        prop_assert_eq!(commands_in(&everything_from(&mut log, 0)), for_replicas);
        let (mut file, mut place) = (Vec::new(), 0);
        let mut durable = (0, 0);
        let bytes_of = |pieces: Vec<DataPiece>| {
            let bytes = |piece| if let DataPiece::Bytes(bytes) = piece { bytes.to_vec() } else { Vec::new() };
            pieces.into_iter().flat_map(bytes).collect::<Vec<u8>>()
        };
        for (limit, further, fails) in reads {
            let until = (place + further).min(log.file_end());
            let (pieces, next) = log.read_data(place, until, limit).unwrap();
            prop_assert!(next <= until && (next > place || until == place));
            if fails {
                file.truncate(durable.1);
                place = durable.0;
                continue;
            }
            file.extend(bytes_of(pieces));
            place = next;
            if further % 3 == 0 {
                durable = (place, file.len());
                prop_assert!(log.release_for_file(place) <= log.end());
            }
        }
        let (pieces, end) = log.read_data(place, u64::MAX, usize::MAX).unwrap();
        prop_assert_eq!(end, log.file_end());
        file.extend(bytes_of(pieces));
        prop_assert_eq!(commands_in(&file), for_file);
    }
}
