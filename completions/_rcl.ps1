
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'rcl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'rcl'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'rcl' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Creates a cluster from empty nodes')
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'Shows the cluster on one screen: masters, their slots and keys, replicas')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Checks the cluster as all its nodes see it')
            [CompletionResult]::new('fix', 'fix', [CompletionResultType]::ParameterValue, 'Closes open slots and gives uncovered ones an owner')
            [CompletionResult]::new('nodes', 'nodes', [CompletionResultType]::ParameterValue, 'Lists all nodes: ids, roles, states, slots, keys')
            [CompletionResult]::new('slot-info', 'slot-info', [CompletionResultType]::ParameterValue, 'Shows each master''s slots: ranges, counts, keys, share')
            [CompletionResult]::new('reshard', 'reshard', [CompletionResultType]::ParameterValue, 'Moves slots, with their keys, to one master')
            [CompletionResult]::new('rebalance', 'rebalance', [CompletionResultType]::ParameterValue, 'Evens out how many slots the masters own, with the fewest moves')
            [CompletionResult]::new('add-node', 'add-node', [CompletionResultType]::ParameterValue, 'Adds an empty node as a master without slots')
            [CompletionResult]::new('add-replica', 'add-replica', [CompletionResultType]::ParameterValue, 'Adds an empty node as a replica')
            [CompletionResult]::new('scale-down', 'scale-down', [CompletionResultType]::ParameterValue, 'Takes a node out of the cluster')
            [CompletionResult]::new('remove-node', 'remove-node', [CompletionResultType]::ParameterValue, 'Takes a node out of the cluster')
            [CompletionResult]::new('replace-node', 'replace-node', [CompletionResultType]::ParameterValue, 'Puts an empty node in another''s place')
            [CompletionResult]::new('failover', 'failover', [CompletionResultType]::ParameterValue, 'Makes a replica the master of its shard')
            [CompletionResult]::new('jobs', 'jobs', [CompletionResultType]::ParameterValue, 'Lists the changes made from here: running, interrupted, done')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'Goes on with a change that was interrupted')
            [CompletionResult]::new('undo', 'undo', [CompletionResultType]::ParameterValue, 'Takes back what a change did')
            [CompletionResult]::new('call', 'call', [CompletionResultType]::ParameterValue, 'Sends one command to every node and shows each answer')
            [CompletionResult]::new('backup', 'backup', [CompletionResultType]::ParameterValue, 'Copies the data of all masters into a folder, with a manifest')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Restores a backup into a cluster, with any number of masters')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Compares two clusters, or a backup with a cluster, key by key')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Copies or moves the keys of a server, or of another cluster, into a cluster')
            [CompletionResult]::new('bigkeys', 'bigkeys', [CompletionResultType]::ParameterValue, 'Finds the keys with the most bytes and the most elements, of each type')
            [CompletionResult]::new('hotkeys', 'hotkeys', [CompletionResultType]::ParameterValue, 'Finds the keys that are used most')
            [CompletionResult]::new('keys-in-slot', 'keys-in-slot', [CompletionResultType]::ParameterValue, 'Shows the keys of a slot, on whichever masters they lie')
            [CompletionResult]::new('key-slot', 'key-slot', [CompletionResultType]::ParameterValue, 'Shows the slot of keys, and what of each key is hashed')
            [CompletionResult]::new('hash-tag-demo', 'hash-tag-demo', [CompletionResultType]::ParameterValue, 'Shows how hash tags bring keys into one slot; on a cluster, with commands really sent')
            [CompletionResult]::new('cross-slot-demo', 'cross-slot-demo', [CompletionResultType]::ParameterValue, 'Shows the CROSSSLOT error and how to avoid it; on a cluster, with commands really sent')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Shows the cluster live: nodes, roles, slots, keys, traffic, replication, and events as they happen')
            [CompletionResult]::new('lab', 'lab', [CompletionResultType]::ParameterValue, 'Runs nodes on this machine: a whole cluster to try things on')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Prints the completions for a shell')
            [CompletionResult]::new('node', 'node', [CompletionResultType]::ParameterValue, 'Runs a node of a cluster (rcl node --help says more)')
            [CompletionResult]::new('cli', 'cli', [CompletionResultType]::ParameterValue, 'Talks to one node, or the cluster behind it, at a prompt or from a script (rcl cli --help says more)')
            [CompletionResult]::new('redis-cli', 'redis-cli', [CompletionResultType]::ParameterValue, 'Speaks redis-cli''s dialect (rcl redis-cli --help says more)')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'rcl;create' {
            [CompletionResult]::new('--replicas', '--replicas', [CompletionResultType]::ParameterName, 'How many replicas each master gets')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'A YAML file: `nodes:`, a list of HOST:PORT, and `replicas:`, a number')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;info' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;check' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;fix' {
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over')
            [CompletionResult]::new('--max-latency', '--max-latency', [CompletionResultType]::ParameterName, 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit')
            [CompletionResult]::new('--big-keys', '--big-keys', [CompletionResultType]::ParameterName, 'Keys that would stall their node for longer (than 100 ms, without --max-latency)')
            [CompletionResult]::new('--max-keys-per-second', '--max-keys-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many keys a second')
            [CompletionResult]::new('--max-bytes-per-second', '--max-bytes-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many bytes a second, as 10mb')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Overwrites keys that exist on the target too, with another value')
            [CompletionResult]::new('--overfill', '--overfill', [CompletionResultType]::ParameterName, 'Moves also what the target has no room for below its maxmemory')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;nodes' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;slot-info' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;reshard' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Where slots come from: `all`, or NODE, which may be given several times')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Where they go: host:port, a node id, or its unique beginning')
            [CompletionResult]::new('--slots', '--slots', [CompletionResultType]::ParameterName, 'How many slots; several sources give in proportion to what they own')
            [CompletionResult]::new('--slot-ranges', '--slot-ranges', [CompletionResultType]::ParameterName, 'Just these slots, as 0-99,200')
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over')
            [CompletionResult]::new('--max-latency', '--max-latency', [CompletionResultType]::ParameterName, 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit')
            [CompletionResult]::new('--big-keys', '--big-keys', [CompletionResultType]::ParameterName, 'Keys that would stall their node for longer (than 100 ms, without --max-latency)')
            [CompletionResult]::new('--max-keys-per-second', '--max-keys-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many keys a second')
            [CompletionResult]::new('--max-bytes-per-second', '--max-bytes-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many bytes a second, as 10mb')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Overwrites keys that exist on the target too, with another value')
            [CompletionResult]::new('--overfill', '--overfill', [CompletionResultType]::ParameterName, 'Moves also what the target has no room for below its maxmemory')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;rebalance' {
            [CompletionResult]::new('--weight', '--weight', [CompletionResultType]::ParameterName, 'A master''s weight; 1 when not given, 0 takes all its slots. May be given several times')
            [CompletionResult]::new('--threshold', '--threshold', [CompletionResultType]::ParameterName, 'Does nothing while every master is nearer than so many per cent to its share')
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over')
            [CompletionResult]::new('--max-latency', '--max-latency', [CompletionResultType]::ParameterName, 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit')
            [CompletionResult]::new('--big-keys', '--big-keys', [CompletionResultType]::ParameterName, 'Keys that would stall their node for longer (than 100 ms, without --max-latency)')
            [CompletionResult]::new('--max-keys-per-second', '--max-keys-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many keys a second')
            [CompletionResult]::new('--max-bytes-per-second', '--max-bytes-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many bytes a second, as 10mb')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--use-empty-masters', '--use-empty-masters', [CompletionResultType]::ParameterName, 'Gives slots to masters that have none')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Overwrites keys that exist on the target too, with another value')
            [CompletionResult]::new('--overfill', '--overfill', [CompletionResultType]::ParameterName, 'Moves also what the target has no room for below its maxmemory')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;add-node' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;add-replica' {
            [CompletionResult]::new('--master', '--master', [CompletionResultType]::ParameterName, 'The master to replicate: host:port, a node id, or its unique beginning')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;scale-down' {
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over')
            [CompletionResult]::new('--max-latency', '--max-latency', [CompletionResultType]::ParameterName, 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit')
            [CompletionResult]::new('--big-keys', '--big-keys', [CompletionResultType]::ParameterName, 'Keys that would stall their node for longer (than 100 ms, without --max-latency)')
            [CompletionResult]::new('--max-keys-per-second', '--max-keys-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many keys a second')
            [CompletionResult]::new('--max-bytes-per-second', '--max-bytes-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many bytes a second, as 10mb')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Overwrites keys that exist on the target too, with another value')
            [CompletionResult]::new('--overfill', '--overfill', [CompletionResultType]::ParameterName, 'Moves also what the target has no room for below its maxmemory')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;remove-node' {
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over')
            [CompletionResult]::new('--max-latency', '--max-latency', [CompletionResultType]::ParameterName, 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit')
            [CompletionResult]::new('--big-keys', '--big-keys', [CompletionResultType]::ParameterName, 'Keys that would stall their node for longer (than 100 ms, without --max-latency)')
            [CompletionResult]::new('--max-keys-per-second', '--max-keys-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many keys a second')
            [CompletionResult]::new('--max-bytes-per-second', '--max-bytes-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many bytes a second, as 10mb')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Overwrites keys that exist on the target too, with another value')
            [CompletionResult]::new('--overfill', '--overfill', [CompletionResultType]::ParameterName, 'Moves also what the target has no room for below its maxmemory')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;replace-node' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;failover' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Does not ask the master, which may be dead; a majority of the masters must vote')
            [CompletionResult]::new('--takeover', '--takeover', [CompletionResultType]::ParameterName, 'Asks nobody: for when most masters are gone')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;jobs' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Also jobs that are done; else the newest ten, and all that are not finished')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;resume' {
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over')
            [CompletionResult]::new('--max-latency', '--max-latency', [CompletionResultType]::ParameterName, 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit')
            [CompletionResult]::new('--big-keys', '--big-keys', [CompletionResultType]::ParameterName, 'Keys that would stall their node for longer (than 100 ms, without --max-latency)')
            [CompletionResult]::new('--max-keys-per-second', '--max-keys-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many keys a second')
            [CompletionResult]::new('--max-bytes-per-second', '--max-bytes-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many bytes a second, as 10mb')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Overwrites keys that exist on the target too, with another value')
            [CompletionResult]::new('--overfill', '--overfill', [CompletionResultType]::ParameterName, 'Moves also what the target has no room for below its maxmemory')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;undo' {
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over')
            [CompletionResult]::new('--max-latency', '--max-latency', [CompletionResultType]::ParameterName, 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit')
            [CompletionResult]::new('--big-keys', '--big-keys', [CompletionResultType]::ParameterName, 'Keys that would stall their node for longer (than 100 ms, without --max-latency)')
            [CompletionResult]::new('--max-keys-per-second', '--max-keys-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many keys a second')
            [CompletionResult]::new('--max-bytes-per-second', '--max-bytes-per-second', [CompletionResultType]::ParameterName, 'Moves no more than so many bytes a second, as 10mb')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Overwrites keys that exist on the target too, with another value')
            [CompletionResult]::new('--overfill', '--overfill', [CompletionResultType]::ParameterName, 'Moves also what the target has no room for below its maxmemory')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;call' {
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Only to this node: host:port, a node id, or its unique beginning')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--only-masters', '--only-masters', [CompletionResultType]::ParameterName, 'Only to masters')
            [CompletionResult]::new('--only-replicas', '--only-replicas', [CompletionResultType]::ParameterName, 'Only to replicas')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;backup' {
            [CompletionResult]::new('--parallel', '--parallel', [CompletionResultType]::ParameterName, 'How many nodes are asked at once; all by default')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--compress', '--compress', [CompletionResultType]::ParameterName, 'Writes the files with gzip; zcat and rcl restore read them')
            [CompletionResult]::new('--from-replicas', '--from-replicas', [CompletionResultType]::ParameterName, 'Asks a replica that is in sync instead of its master')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;restore' {
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'No more than so many keys a second')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Overwrites keys and libraries that exist; other keys of the cluster stay')
            [CompletionResult]::new('--into-non-empty', '--into-non-empty', [CompletionResultType]::ParameterName, 'Leaves keys and libraries that exist as they are')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;verify' {
            [CompletionResult]::new('--sample', '--sample', [CompletionResultType]::ParameterName, 'Looks at about so many keys only, which their names decide')
            [CompletionResult]::new('--pattern', '--pattern', [CompletionResultType]::ParameterName, 'Only keys like this, as in KEYS: user:*')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Only keys of this type')
            [CompletionResult]::new('--ttl-tolerance', '--ttl-tolerance', [CompletionResultType]::ParameterName, 'How far two times to live may be apart, in milliseconds')
            [CompletionResult]::new('--show', '--show', [CompletionResultType]::ParameterName, 'How many keys to name of each kind of difference')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'No more than so many keys a second')
            [CompletionResult]::new('--from-user', '--from-user', [CompletionResultType]::ParameterName, 'The ACL user at the source')
            [CompletionResult]::new('--from-password-file', '--from-password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password at the source (or set RCL_FROM_AUTH)')
            [CompletionResult]::new('--from-db', '--from-db', [CompletionResultType]::ParameterName, 'The database of a source that is one server')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--from-no-auth', '--from-no-auth', [CompletionResultType]::ParameterName, 'Does not log in at the source')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;import' {
            [CompletionResult]::new('--pattern', '--pattern', [CompletionResultType]::ParameterName, 'Only keys like this, as in KEYS: user:*')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Only keys of this type')
            [CompletionResult]::new('--cursor', '--cursor', [CompletionResultType]::ParameterName, 'Keeps in this file how far it has come')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'No more than so many keys a second')
            [CompletionResult]::new('--from-user', '--from-user', [CompletionResultType]::ParameterName, 'The ACL user at the source')
            [CompletionResult]::new('--from-password-file', '--from-password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password at the source (or set RCL_FROM_AUTH)')
            [CompletionResult]::new('--from-db', '--from-db', [CompletionResultType]::ParameterName, 'The database of a source that is one server')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--move', '--move', [CompletionResultType]::ParameterName, 'Deletes each key at the source when the target has it, unless it has changed since')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Overwrites keys that the target has with another value')
            [CompletionResult]::new('--keep-existing', '--keep-existing', [CompletionResultType]::ParameterName, 'Leaves keys that the target has with another value')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Then follows what is written at the source, until Ctrl-C: the target has what the source has')
            [CompletionResult]::new('--from-no-auth', '--from-no-auth', [CompletionResultType]::ParameterName, 'Does not log in at the source')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;bigkeys' {
            [CompletionResult]::new('--pattern', '--pattern', [CompletionResultType]::ParameterName, 'Only keys like this, as in KEYS: user:*')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Only keys of this type')
            [CompletionResult]::new('--top', '--top', [CompletionResultType]::ParameterName, 'How many keys to show of each type')
            [CompletionResult]::new('--samples', '--samples', [CompletionResultType]::ParameterName, 'How many elements of a collection MEMORY USAGE looks at; 0 for all of them')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'No more than so many keys a second, of all nodes together')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--from-replicas', '--from-replicas', [CompletionResultType]::ParameterName, 'Asks a replica that is in sync instead of its master')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;hotkeys' {
            [CompletionResult]::new('--pattern', '--pattern', [CompletionResultType]::ParameterName, 'Only keys like this, as in KEYS: user:*')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Only keys of this type')
            [CompletionResult]::new('--top', '--top', [CompletionResultType]::ParameterName, 'How many keys to show')
            [CompletionResult]::new('--monitor', '--monitor', [CompletionResultType]::ParameterName, 'Counts what clients send, by MONITOR, for so many seconds: nodes are slower meanwhile')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'No more than so many keys a second, of all nodes together')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;keys-in-slot' {
            [CompletionResult]::new('--of-key', '--of-key', [CompletionResultType]::ParameterName, 'The slot of this key')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'How many keys to show of a node')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;key-slot' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;hash-tag-demo' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;cross-slot-demo' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;watch' {
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Seconds between two looks')
            [CompletionResult]::new('--interval', '--interval', [CompletionResultType]::ParameterName, 'Seconds between two looks')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'Looks once and ends')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;lab' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The folder of the nodes'' data')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Starts the nodes that are not running, and waits until all answer')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Ends nodes by SIGTERM, and waits until they are gone')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Shows the nodes and whether they run')
            [CompletionResult]::new('clean', 'clean', [CompletionResultType]::ParameterValue, 'Ends all nodes and removes their data')
            [CompletionResult]::new('kill', 'kill', [CompletionResultType]::ParameterValue, 'Kills a node (SIGKILL), as a crash would')
            [CompletionResult]::new('restart', 'restart', [CompletionResultType]::ParameterValue, 'Starts a node again, ending it first if it runs')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Starts one more node')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'rcl;lab;start' {
            [CompletionResult]::new('--nodes', '--nodes', [CompletionResultType]::ParameterName, 'How many nodes')
            [CompletionResult]::new('--base-port', '--base-port', [CompletionResultType]::ParameterName, 'The port of node 1, for a lab that is not there yet')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Another server program to run, as redis-server; it is remembered for the node')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The folder of the nodes'' data')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;lab;stop' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The folder of the nodes'' data')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;lab;status' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The folder of the nodes'' data')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;lab;clean' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The folder of the nodes'' data')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;lab;kill' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The folder of the nodes'' data')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;lab;restart' {
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Another server program to run, as redis-server; it is remembered for the node')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The folder of the nodes'' data')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;lab;add' {
            [CompletionResult]::new('--base-port', '--base-port', [CompletionResultType]::ParameterName, 'The port of node 1, for a lab that is not there yet')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Another server program to run, as redis-server; it is remembered for the node')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The folder of the nodes'' data')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;lab;help' {
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Starts the nodes that are not running, and waits until all answer')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Ends nodes by SIGTERM, and waits until they are gone')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Shows the nodes and whether they run')
            [CompletionResult]::new('clean', 'clean', [CompletionResultType]::ParameterValue, 'Ends all nodes and removes their data')
            [CompletionResult]::new('kill', 'kill', [CompletionResultType]::ParameterValue, 'Kills a node (SIGKILL), as a crash would')
            [CompletionResult]::new('restart', 'restart', [CompletionResultType]::ParameterValue, 'Starts a node again, ending it first if it runs')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Starts one more node')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'rcl;lab;help;start' {
            break
        }
        'rcl;lab;help;stop' {
            break
        }
        'rcl;lab;help;status' {
            break
        }
        'rcl;lab;help;clean' {
            break
        }
        'rcl;lab;help;kill' {
            break
        }
        'rcl;lab;help;restart' {
            break
        }
        'rcl;lab;help;add' {
            break
        }
        'rcl;lab;help;help' {
            break
        }
        'rcl;completions' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;node' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;cli' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;redis-cli' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How data is printed to stdout')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given')
            [CompletionResult]::new('--entry', '--entry', [CompletionResultType]::ParameterName, 'A node of the cluster, where a verb takes a node id')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The ACL user to log in as')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file whose first line is the password (or set REDISCLI_AUTH)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--password', '--password', [CompletionResultType]::ParameterName, 'Refused: every user of this machine could read it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a node may take to answer, in seconds')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Does not ask before a change')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Shows the plan of a change and stops')
            [CompletionResult]::new('--no-journal', '--no-journal', [CompletionResultType]::ParameterName, 'Writes no journal: an interrupted change cannot be resumed or undone')
            [CompletionResult]::new('--askpass', '--askpass', [CompletionResultType]::ParameterName, 'Asks for the password')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'rcl;help' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Creates a cluster from empty nodes')
            [CompletionResult]::new('info', 'info', [CompletionResultType]::ParameterValue, 'Shows the cluster on one screen: masters, their slots and keys, replicas')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Checks the cluster as all its nodes see it')
            [CompletionResult]::new('fix', 'fix', [CompletionResultType]::ParameterValue, 'Closes open slots and gives uncovered ones an owner')
            [CompletionResult]::new('nodes', 'nodes', [CompletionResultType]::ParameterValue, 'Lists all nodes: ids, roles, states, slots, keys')
            [CompletionResult]::new('slot-info', 'slot-info', [CompletionResultType]::ParameterValue, 'Shows each master''s slots: ranges, counts, keys, share')
            [CompletionResult]::new('reshard', 'reshard', [CompletionResultType]::ParameterValue, 'Moves slots, with their keys, to one master')
            [CompletionResult]::new('rebalance', 'rebalance', [CompletionResultType]::ParameterValue, 'Evens out how many slots the masters own, with the fewest moves')
            [CompletionResult]::new('add-node', 'add-node', [CompletionResultType]::ParameterValue, 'Adds an empty node as a master without slots')
            [CompletionResult]::new('add-replica', 'add-replica', [CompletionResultType]::ParameterValue, 'Adds an empty node as a replica')
            [CompletionResult]::new('scale-down', 'scale-down', [CompletionResultType]::ParameterValue, 'Takes a node out of the cluster')
            [CompletionResult]::new('replace-node', 'replace-node', [CompletionResultType]::ParameterValue, 'Puts an empty node in another''s place')
            [CompletionResult]::new('failover', 'failover', [CompletionResultType]::ParameterValue, 'Makes a replica the master of its shard')
            [CompletionResult]::new('jobs', 'jobs', [CompletionResultType]::ParameterValue, 'Lists the changes made from here: running, interrupted, done')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'Goes on with a change that was interrupted')
            [CompletionResult]::new('undo', 'undo', [CompletionResultType]::ParameterValue, 'Takes back what a change did')
            [CompletionResult]::new('call', 'call', [CompletionResultType]::ParameterValue, 'Sends one command to every node and shows each answer')
            [CompletionResult]::new('backup', 'backup', [CompletionResultType]::ParameterValue, 'Copies the data of all masters into a folder, with a manifest')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Restores a backup into a cluster, with any number of masters')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Compares two clusters, or a backup with a cluster, key by key')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Copies or moves the keys of a server, or of another cluster, into a cluster')
            [CompletionResult]::new('bigkeys', 'bigkeys', [CompletionResultType]::ParameterValue, 'Finds the keys with the most bytes and the most elements, of each type')
            [CompletionResult]::new('hotkeys', 'hotkeys', [CompletionResultType]::ParameterValue, 'Finds the keys that are used most')
            [CompletionResult]::new('keys-in-slot', 'keys-in-slot', [CompletionResultType]::ParameterValue, 'Shows the keys of a slot, on whichever masters they lie')
            [CompletionResult]::new('key-slot', 'key-slot', [CompletionResultType]::ParameterValue, 'Shows the slot of keys, and what of each key is hashed')
            [CompletionResult]::new('hash-tag-demo', 'hash-tag-demo', [CompletionResultType]::ParameterValue, 'Shows how hash tags bring keys into one slot; on a cluster, with commands really sent')
            [CompletionResult]::new('cross-slot-demo', 'cross-slot-demo', [CompletionResultType]::ParameterValue, 'Shows the CROSSSLOT error and how to avoid it; on a cluster, with commands really sent')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Shows the cluster live: nodes, roles, slots, keys, traffic, replication, and events as they happen')
            [CompletionResult]::new('lab', 'lab', [CompletionResultType]::ParameterValue, 'Runs nodes on this machine: a whole cluster to try things on')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Prints the completions for a shell')
            [CompletionResult]::new('node', 'node', [CompletionResultType]::ParameterValue, 'Runs a node of a cluster (rcl node --help says more)')
            [CompletionResult]::new('cli', 'cli', [CompletionResultType]::ParameterValue, 'Talks to one node, or the cluster behind it, at a prompt or from a script (rcl cli --help says more)')
            [CompletionResult]::new('redis-cli', 'redis-cli', [CompletionResultType]::ParameterValue, 'Speaks redis-cli''s dialect (rcl redis-cli --help says more)')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'rcl;help;create' {
            break
        }
        'rcl;help;info' {
            break
        }
        'rcl;help;check' {
            break
        }
        'rcl;help;fix' {
            break
        }
        'rcl;help;nodes' {
            break
        }
        'rcl;help;slot-info' {
            break
        }
        'rcl;help;reshard' {
            break
        }
        'rcl;help;rebalance' {
            break
        }
        'rcl;help;add-node' {
            break
        }
        'rcl;help;add-replica' {
            break
        }
        'rcl;help;scale-down' {
            break
        }
        'rcl;help;replace-node' {
            break
        }
        'rcl;help;failover' {
            break
        }
        'rcl;help;jobs' {
            break
        }
        'rcl;help;resume' {
            break
        }
        'rcl;help;undo' {
            break
        }
        'rcl;help;call' {
            break
        }
        'rcl;help;backup' {
            break
        }
        'rcl;help;restore' {
            break
        }
        'rcl;help;verify' {
            break
        }
        'rcl;help;import' {
            break
        }
        'rcl;help;bigkeys' {
            break
        }
        'rcl;help;hotkeys' {
            break
        }
        'rcl;help;keys-in-slot' {
            break
        }
        'rcl;help;key-slot' {
            break
        }
        'rcl;help;hash-tag-demo' {
            break
        }
        'rcl;help;cross-slot-demo' {
            break
        }
        'rcl;help;watch' {
            break
        }
        'rcl;help;lab' {
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Starts the nodes that are not running, and waits until all answer')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Ends nodes by SIGTERM, and waits until they are gone')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Shows the nodes and whether they run')
            [CompletionResult]::new('clean', 'clean', [CompletionResultType]::ParameterValue, 'Ends all nodes and removes their data')
            [CompletionResult]::new('kill', 'kill', [CompletionResultType]::ParameterValue, 'Kills a node (SIGKILL), as a crash would')
            [CompletionResult]::new('restart', 'restart', [CompletionResultType]::ParameterValue, 'Starts a node again, ending it first if it runs')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Starts one more node')
            break
        }
        'rcl;help;lab;start' {
            break
        }
        'rcl;help;lab;stop' {
            break
        }
        'rcl;help;lab;status' {
            break
        }
        'rcl;help;lab;clean' {
            break
        }
        'rcl;help;lab;kill' {
            break
        }
        'rcl;help;lab;restart' {
            break
        }
        'rcl;help;lab;add' {
            break
        }
        'rcl;help;completions' {
            break
        }
        'rcl;help;node' {
            break
        }
        'rcl;help;cli' {
            break
        }
        'rcl;help;redis-cli' {
            break
        }
        'rcl;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
