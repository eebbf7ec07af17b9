# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_rcl_global_optspecs
    string join \n o/output= y/yes dry-run state-dir= no-journal entry= user= password-file= askpass a/password= timeout= h/help V/version
end

function __fish_rcl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_rcl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_rcl_using_subcommand
    set -l cmd (__fish_rcl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c rcl -n "__fish_rcl_needs_command" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_needs_command" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_needs_command" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_needs_command" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_needs_command" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_needs_command" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_needs_command" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_needs_command" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_needs_command" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_needs_command" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_needs_command" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_needs_command" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_needs_command" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "create" -d 'Creates a cluster from empty nodes'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "info" -d 'Shows the cluster on one screen: masters, their slots and keys, replicas'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "check" -d 'Checks the cluster as all its nodes see it'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "fix" -d 'Closes open slots and gives uncovered ones an owner'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "nodes" -d 'Lists all nodes: ids, roles, states, slots, keys'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "slot-info" -d 'Shows each master\'s slots: ranges, counts, keys, share'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "reshard" -d 'Moves slots, with their keys, to one master'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "rebalance" -d 'Evens out how many slots the masters own, with the fewest moves'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "add-node" -d 'Adds an empty node as a master without slots'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "add-replica" -d 'Adds an empty node as a replica'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "scale-down" -d 'Takes a node out of the cluster'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "remove-node" -d 'Takes a node out of the cluster'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "replace-node" -d 'Puts an empty node in another\'s place'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "failover" -d 'Makes a replica the master of its shard'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "jobs" -d 'Lists the changes made from here: running, interrupted, done'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "resume" -d 'Goes on with a change that was interrupted'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "undo" -d 'Takes back what a change did'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "call" -d 'Sends one command to every node and shows each answer'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "backup" -d 'Copies the data of all masters into a folder, with a manifest'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "restore" -d 'Restores a backup into a cluster, with any number of masters'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "verify" -d 'Compares two clusters, or a backup with a cluster, key by key'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "import" -d 'Copies or moves the keys of a server, or of another cluster, into a cluster'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "bigkeys" -d 'Finds the keys with the most bytes and the most elements, of each type'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "hotkeys" -d 'Finds the keys that are used most'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "keys-in-slot" -d 'Shows the keys of a slot, on whichever masters they lie'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "key-slot" -d 'Shows the slot of keys, and what of each key is hashed'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "hash-tag-demo" -d 'Shows how hash tags bring keys into one slot; on a cluster, with commands really sent'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "cross-slot-demo" -d 'Shows the CROSSSLOT error and how to avoid it; on a cluster, with commands really sent'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "watch" -d 'Shows the cluster live: nodes, roles, slots, keys, traffic, replication, and events as they happen'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "lab" -d 'Runs nodes on this machine: a whole cluster to try things on'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "completions" -d 'Prints the completions for a shell'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "node" -d 'Runs a node of a cluster (rcl node --help says more)'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "cli" -d 'Talks to one node, or the cluster behind it, at a prompt or from a script (rcl cli --help says more)'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "redis-cli" -d 'Speaks redis-cli\'s dialect (rcl redis-cli --help says more)'
complete -c rcl -n "__fish_rcl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rcl -n "__fish_rcl_using_subcommand create" -l replicas -d 'How many replicas each master gets' -r
complete -c rcl -n "__fish_rcl_using_subcommand create" -l file -d 'A YAML file: `nodes:`, a list of HOST:PORT, and `replicas:`, a number' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand create" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand create" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand create" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand create" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand create" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand create" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand create" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand create" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand create" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand create" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand create" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand create" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand info" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand info" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand info" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand info" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand info" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand info" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand info" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand info" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand info" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand info" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand info" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand info" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand check" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand check" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand check" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand check" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand check" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand check" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand check" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand check" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand check" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand check" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand check" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l method -d 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over' -r -f -a "auto\t'Handed over by the nodes where both can and no rate or latency is set; else key by key'
keys\t'Key by key, with MIGRATE'
handover\t'Handed over by the nodes; refused where they cannot'"
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l max-latency -d 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit' -r
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l big-keys -d 'Keys that would stall their node for longer (than 100 ms, without --max-latency)' -r -f -a "refuse\t'Their slots stay where they are, and they are named'
move\t'They are moved all the same'"
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l max-keys-per-second -d 'Moves no more than so many keys a second' -r
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l max-bytes-per-second -d 'Moves no more than so many bytes a second, as 10mb' -r
complete -c rcl -n "__fish_rcl_using_subcommand fix" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand fix" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l replace -d 'Overwrites keys that exist on the target too, with another value'
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l overfill -d 'Moves also what the target has no room for below its maxmemory'
complete -c rcl -n "__fish_rcl_using_subcommand fix" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand fix" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand fix" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand fix" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand nodes" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand nodes" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand nodes" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand nodes" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand nodes" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand nodes" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand nodes" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand nodes" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand nodes" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand nodes" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand nodes" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand nodes" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand slot-info" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand slot-info" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand slot-info" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand slot-info" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand slot-info" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand slot-info" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand slot-info" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand slot-info" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand slot-info" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand slot-info" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand slot-info" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand slot-info" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l from -d 'Where slots come from: `all`, or NODE, which may be given several times' -r
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l to -d 'Where they go: host:port, a node id, or its unique beginning' -r
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l slots -d 'How many slots; several sources give in proportion to what they own' -r
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l slot-ranges -d 'Just these slots, as 0-99,200' -r
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l method -d 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over' -r -f -a "auto\t'Handed over by the nodes where both can and no rate or latency is set; else key by key'
keys\t'Key by key, with MIGRATE'
handover\t'Handed over by the nodes; refused where they cannot'"
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l max-latency -d 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit' -r
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l big-keys -d 'Keys that would stall their node for longer (than 100 ms, without --max-latency)' -r -f -a "refuse\t'Their slots stay where they are, and they are named'
move\t'They are moved all the same'"
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l max-keys-per-second -d 'Moves no more than so many keys a second' -r
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l max-bytes-per-second -d 'Moves no more than so many bytes a second, as 10mb' -r
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l replace -d 'Overwrites keys that exist on the target too, with another value'
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l overfill -d 'Moves also what the target has no room for below its maxmemory'
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand reshard" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l weight -d 'A master\'s weight; 1 when not given, 0 takes all its slots. May be given several times' -r
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l threshold -d 'Does nothing while every master is nearer than so many per cent to its share' -r
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l method -d 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over' -r -f -a "auto\t'Handed over by the nodes where both can and no rate or latency is set; else key by key'
keys\t'Key by key, with MIGRATE'
handover\t'Handed over by the nodes; refused where they cannot'"
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l max-latency -d 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit' -r
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l big-keys -d 'Keys that would stall their node for longer (than 100 ms, without --max-latency)' -r -f -a "refuse\t'Their slots stay where they are, and they are named'
move\t'They are moved all the same'"
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l max-keys-per-second -d 'Moves no more than so many keys a second' -r
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l max-bytes-per-second -d 'Moves no more than so many bytes a second, as 10mb' -r
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l use-empty-masters -d 'Gives slots to masters that have none'
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l replace -d 'Overwrites keys that exist on the target too, with another value'
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l overfill -d 'Moves also what the target has no room for below its maxmemory'
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand rebalance" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand add-node" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand add-node" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand add-node" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand add-node" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand add-node" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand add-node" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand add-node" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand add-node" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand add-node" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand add-node" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand add-node" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand add-node" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -l master -d 'The master to replicate: host:port, a node id, or its unique beginning' -r
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand add-replica" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l method -d 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over' -r -f -a "auto\t'Handed over by the nodes where both can and no rate or latency is set; else key by key'
keys\t'Key by key, with MIGRATE'
handover\t'Handed over by the nodes; refused where they cannot'"
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l max-latency -d 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit' -r
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l big-keys -d 'Keys that would stall their node for longer (than 100 ms, without --max-latency)' -r -f -a "refuse\t'Their slots stay where they are, and they are named'
move\t'They are moved all the same'"
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l max-keys-per-second -d 'Moves no more than so many keys a second' -r
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l max-bytes-per-second -d 'Moves no more than so many bytes a second, as 10mb' -r
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l replace -d 'Overwrites keys that exist on the target too, with another value'
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l overfill -d 'Moves also what the target has no room for below its maxmemory'
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand scale-down" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l method -d 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over' -r -f -a "auto\t'Handed over by the nodes where both can and no rate or latency is set; else key by key'
keys\t'Key by key, with MIGRATE'
handover\t'Handed over by the nodes; refused where they cannot'"
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l max-latency -d 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit' -r
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l big-keys -d 'Keys that would stall their node for longer (than 100 ms, without --max-latency)' -r -f -a "refuse\t'Their slots stay where they are, and they are named'
move\t'They are moved all the same'"
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l max-keys-per-second -d 'Moves no more than so many keys a second' -r
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l max-bytes-per-second -d 'Moves no more than so many bytes a second, as 10mb' -r
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l replace -d 'Overwrites keys that exist on the target too, with another value'
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l overfill -d 'Moves also what the target has no room for below its maxmemory'
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand remove-node" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand replace-node" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand failover" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand failover" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand failover" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand failover" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand failover" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand failover" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand failover" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand failover" -l force -d 'Does not ask the master, which may be dead; a majority of the masters must vote'
complete -c rcl -n "__fish_rcl_using_subcommand failover" -l takeover -d 'Asks nobody: for when most masters are gone'
complete -c rcl -n "__fish_rcl_using_subcommand failover" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand failover" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand failover" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand failover" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand failover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand failover" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -l all -d 'Also jobs that are done; else the newest ten, and all that are not finished'
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand jobs" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l method -d 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over' -r -f -a "auto\t'Handed over by the nodes where both can and no rate or latency is set; else key by key'
keys\t'Key by key, with MIGRATE'
handover\t'Handed over by the nodes; refused where they cannot'"
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l max-latency -d 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit' -r
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l big-keys -d 'Keys that would stall their node for longer (than 100 ms, without --max-latency)' -r -f -a "refuse\t'Their slots stay where they are, and they are named'
move\t'They are moved all the same'"
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l max-keys-per-second -d 'Moves no more than so many keys a second' -r
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l max-bytes-per-second -d 'Moves no more than so many bytes a second, as 10mb' -r
complete -c rcl -n "__fish_rcl_using_subcommand resume" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand resume" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l replace -d 'Overwrites keys that exist on the target too, with another value'
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l overfill -d 'Moves also what the target has no room for below its maxmemory'
complete -c rcl -n "__fish_rcl_using_subcommand resume" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand resume" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand resume" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l method -d 'How slots go from node to node: Redis from 8.4 on and Valkey from 9 on hand them over' -r -f -a "auto\t'Handed over by the nodes where both can and no rate or latency is set; else key by key'
keys\t'Key by key, with MIGRATE'
handover\t'Handed over by the nodes; refused where they cannot'"
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l max-latency -d 'How long a call may keep a node from serving, as 5ms; calls are made smaller until they fit' -r
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l big-keys -d 'Keys that would stall their node for longer (than 100 ms, without --max-latency)' -r -f -a "refuse\t'Their slots stay where they are, and they are named'
move\t'They are moved all the same'"
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l max-keys-per-second -d 'Moves no more than so many keys a second' -r
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l max-bytes-per-second -d 'Moves no more than so many bytes a second, as 10mb' -r
complete -c rcl -n "__fish_rcl_using_subcommand undo" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand undo" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l replace -d 'Overwrites keys that exist on the target too, with another value'
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l overfill -d 'Moves also what the target has no room for below its maxmemory'
complete -c rcl -n "__fish_rcl_using_subcommand undo" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand undo" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand undo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand undo" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand call" -l only -d 'Only to this node: host:port, a node id, or its unique beginning' -r
complete -c rcl -n "__fish_rcl_using_subcommand call" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand call" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand call" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand call" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand call" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand call" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand call" -l only-masters -d 'Only to masters'
complete -c rcl -n "__fish_rcl_using_subcommand call" -l only-replicas -d 'Only to replicas'
complete -c rcl -n "__fish_rcl_using_subcommand call" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand call" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand call" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand call" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand call" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand call" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand backup" -l parallel -d 'How many nodes are asked at once; all by default' -r
complete -c rcl -n "__fish_rcl_using_subcommand backup" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand backup" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand backup" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand backup" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand backup" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand backup" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand backup" -l compress -d 'Writes the files with gzip; zcat and rcl restore read them'
complete -c rcl -n "__fish_rcl_using_subcommand backup" -l from-replicas -d 'Asks a replica that is in sync instead of its master'
complete -c rcl -n "__fish_rcl_using_subcommand backup" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand backup" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand backup" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand backup" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand backup" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand restore" -l rate -d 'No more than so many keys a second' -r
complete -c rcl -n "__fish_rcl_using_subcommand restore" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand restore" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand restore" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand restore" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand restore" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand restore" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand restore" -l replace -d 'Overwrites keys and libraries that exist; other keys of the cluster stay'
complete -c rcl -n "__fish_rcl_using_subcommand restore" -l into-non-empty -d 'Leaves keys and libraries that exist as they are'
complete -c rcl -n "__fish_rcl_using_subcommand restore" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand restore" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand restore" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand restore" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand restore" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l sample -d 'Looks at about so many keys only, which their names decide' -r
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l pattern -d 'Only keys like this, as in KEYS: user:*' -r
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l type -d 'Only keys of this type' -r -f -a "string\t''
list\t''
set\t''
zset\t''
hash\t''
stream\t''"
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l ttl-tolerance -d 'How far two times to live may be apart, in milliseconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l show -d 'How many keys to name of each kind of difference' -r
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l rate -d 'No more than so many keys a second' -r
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l from-user -d 'The ACL user at the source' -r
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l from-password-file -d 'A file whose first line is the password at the source (or set RCL_FROM_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l from-db -d 'The database of a source that is one server' -r
complete -c rcl -n "__fish_rcl_using_subcommand verify" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand verify" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l from-no-auth -d 'Does not log in at the source'
complete -c rcl -n "__fish_rcl_using_subcommand verify" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand verify" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand verify" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand import" -l pattern -d 'Only keys like this, as in KEYS: user:*' -r
complete -c rcl -n "__fish_rcl_using_subcommand import" -l type -d 'Only keys of this type' -r -f -a "string\t''
list\t''
set\t''
zset\t''
hash\t''
stream\t''"
complete -c rcl -n "__fish_rcl_using_subcommand import" -l cursor -d 'Keeps in this file how far it has come' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand import" -l rate -d 'No more than so many keys a second' -r
complete -c rcl -n "__fish_rcl_using_subcommand import" -l from-user -d 'The ACL user at the source' -r
complete -c rcl -n "__fish_rcl_using_subcommand import" -l from-password-file -d 'A file whose first line is the password at the source (or set RCL_FROM_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand import" -l from-db -d 'The database of a source that is one server' -r
complete -c rcl -n "__fish_rcl_using_subcommand import" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand import" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand import" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand import" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand import" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand import" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand import" -l move -d 'Deletes each key at the source when the target has it, unless it has changed since'
complete -c rcl -n "__fish_rcl_using_subcommand import" -l replace -d 'Overwrites keys that the target has with another value'
complete -c rcl -n "__fish_rcl_using_subcommand import" -l keep-existing -d 'Leaves keys that the target has with another value'
complete -c rcl -n "__fish_rcl_using_subcommand import" -l follow -d 'Then follows what is written at the source, until Ctrl-C: the target has what the source has'
complete -c rcl -n "__fish_rcl_using_subcommand import" -l from-no-auth -d 'Does not log in at the source'
complete -c rcl -n "__fish_rcl_using_subcommand import" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand import" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand import" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand import" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand import" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l pattern -d 'Only keys like this, as in KEYS: user:*' -r
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l type -d 'Only keys of this type' -r -f -a "string\t''
list\t''
set\t''
zset\t''
hash\t''
stream\t''"
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l top -d 'How many keys to show of each type' -r
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l samples -d 'How many elements of a collection MEMORY USAGE looks at; 0 for all of them' -r
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l rate -d 'No more than so many keys a second, of all nodes together' -r
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l from-replicas -d 'Asks a replica that is in sync instead of its master'
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand bigkeys" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -l pattern -d 'Only keys like this, as in KEYS: user:*' -r
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -l type -d 'Only keys of this type' -r -f -a "string\t''
list\t''
set\t''
zset\t''
hash\t''
stream\t''"
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -l top -d 'How many keys to show' -r
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -l monitor -d 'Counts what clients send, by MONITOR, for so many seconds: nodes are slower meanwhile' -r
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -l rate -d 'No more than so many keys a second, of all nodes together' -r
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand hotkeys" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -l of-key -d 'The slot of this key' -r
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -l limit -d 'How many keys to show of a node' -r
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c rcl -n "__fish_rcl_using_subcommand keys-in-slot" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand key-slot" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand hash-tag-demo" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand hash-tag-demo" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand hash-tag-demo" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand hash-tag-demo" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand hash-tag-demo" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand hash-tag-demo" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand hash-tag-demo" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand hash-tag-demo" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand hash-tag-demo" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand hash-tag-demo" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand hash-tag-demo" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand hash-tag-demo" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand cross-slot-demo" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand cross-slot-demo" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand cross-slot-demo" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand cross-slot-demo" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand cross-slot-demo" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand cross-slot-demo" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand cross-slot-demo" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand cross-slot-demo" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand cross-slot-demo" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand cross-slot-demo" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand cross-slot-demo" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand cross-slot-demo" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand watch" -s i -l interval -d 'Seconds between two looks' -r
complete -c rcl -n "__fish_rcl_using_subcommand watch" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand watch" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand watch" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand watch" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand watch" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand watch" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand watch" -l once -d 'Looks once and ends'
complete -c rcl -n "__fish_rcl_using_subcommand watch" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand watch" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand watch" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand watch" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand watch" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand watch" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -l dir -d 'The folder of the nodes\' data' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -f -a "start" -d 'Starts the nodes that are not running, and waits until all answer'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -f -a "stop" -d 'Ends nodes by SIGTERM, and waits until they are gone'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -f -a "status" -d 'Shows the nodes and whether they run'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -f -a "clean" -d 'Ends all nodes and removes their data'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -f -a "kill" -d 'Kills a node (SIGKILL), as a crash would'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -f -a "restart" -d 'Starts a node again, ending it first if it runs'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -f -a "add" -d 'Starts one more node'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and not __fish_seen_subcommand_from start stop status clean kill restart add help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -l nodes -d 'How many nodes' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -l base-port -d 'The port of node 1, for a lab that is not there yet' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -l server -d 'Another server program to run, as redis-server; it is remembered for the node' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -l dir -d 'The folder of the nodes\' data' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from start" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -l dir -d 'The folder of the nodes\' data' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from stop" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -l dir -d 'The folder of the nodes\' data' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from status" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -l dir -d 'The folder of the nodes\' data' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from clean" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -l dir -d 'The folder of the nodes\' data' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from kill" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -l server -d 'Another server program to run, as redis-server; it is remembered for the node' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -l dir -d 'The folder of the nodes\' data' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from restart" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -l base-port -d 'The port of node 1, for a lab that is not there yet' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -l server -d 'Another server program to run, as redis-server; it is remembered for the node' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -l dir -d 'The folder of the nodes\' data' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from add" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from help" -f -a "start" -d 'Starts the nodes that are not running, and waits until all answer'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from help" -f -a "stop" -d 'Ends nodes by SIGTERM, and waits until they are gone'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from help" -f -a "status" -d 'Shows the nodes and whether they run'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from help" -f -a "clean" -d 'Ends all nodes and removes their data'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from help" -f -a "kill" -d 'Kills a node (SIGKILL), as a crash would'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from help" -f -a "restart" -d 'Starts a node again, ending it first if it runs'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from help" -f -a "add" -d 'Starts one more node'
complete -c rcl -n "__fish_rcl_using_subcommand lab; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rcl -n "__fish_rcl_using_subcommand completions" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand completions" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand completions" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand completions" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand completions" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand completions" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand completions" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand completions" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand completions" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand completions" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand completions" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand completions" -s h -l help -d 'Print help'
complete -c rcl -n "__fish_rcl_using_subcommand completions" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand node" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand node" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand node" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand node" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand node" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand node" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand node" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand node" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand node" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand node" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand node" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand node" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand cli" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand cli" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand cli" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand cli" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand cli" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand cli" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand cli" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand cli" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand cli" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand cli" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand cli" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand cli" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand redis-cli" -s o -l output -d 'How data is printed to stdout' -r -f -a "table\t''
json\t''
yaml\t''"
complete -c rcl -n "__fish_rcl_using_subcommand redis-cli" -l state-dir -d 'Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand redis-cli" -l entry -d 'A node of the cluster, where a verb takes a node id' -r
complete -c rcl -n "__fish_rcl_using_subcommand redis-cli" -l user -d 'The ACL user to log in as' -r
complete -c rcl -n "__fish_rcl_using_subcommand redis-cli" -l password-file -d 'A file whose first line is the password (or set REDISCLI_AUTH)' -r -F
complete -c rcl -n "__fish_rcl_using_subcommand redis-cli" -s a -l password -d 'Refused: every user of this machine could read it' -r
complete -c rcl -n "__fish_rcl_using_subcommand redis-cli" -l timeout -d 'How long a node may take to answer, in seconds' -r
complete -c rcl -n "__fish_rcl_using_subcommand redis-cli" -s y -l yes -d 'Does not ask before a change'
complete -c rcl -n "__fish_rcl_using_subcommand redis-cli" -l dry-run -d 'Shows the plan of a change and stops'
complete -c rcl -n "__fish_rcl_using_subcommand redis-cli" -l no-journal -d 'Writes no journal: an interrupted change cannot be resumed or undone'
complete -c rcl -n "__fish_rcl_using_subcommand redis-cli" -l askpass -d 'Asks for the password'
complete -c rcl -n "__fish_rcl_using_subcommand redis-cli" -s V -l version -d 'Print version'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "create" -d 'Creates a cluster from empty nodes'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "info" -d 'Shows the cluster on one screen: masters, their slots and keys, replicas'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "check" -d 'Checks the cluster as all its nodes see it'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "fix" -d 'Closes open slots and gives uncovered ones an owner'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "nodes" -d 'Lists all nodes: ids, roles, states, slots, keys'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "slot-info" -d 'Shows each master\'s slots: ranges, counts, keys, share'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "reshard" -d 'Moves slots, with their keys, to one master'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "rebalance" -d 'Evens out how many slots the masters own, with the fewest moves'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "add-node" -d 'Adds an empty node as a master without slots'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "add-replica" -d 'Adds an empty node as a replica'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "scale-down" -d 'Takes a node out of the cluster'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "replace-node" -d 'Puts an empty node in another\'s place'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "failover" -d 'Makes a replica the master of its shard'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "jobs" -d 'Lists the changes made from here: running, interrupted, done'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "resume" -d 'Goes on with a change that was interrupted'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "undo" -d 'Takes back what a change did'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "call" -d 'Sends one command to every node and shows each answer'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "backup" -d 'Copies the data of all masters into a folder, with a manifest'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "restore" -d 'Restores a backup into a cluster, with any number of masters'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "verify" -d 'Compares two clusters, or a backup with a cluster, key by key'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "import" -d 'Copies or moves the keys of a server, or of another cluster, into a cluster'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "bigkeys" -d 'Finds the keys with the most bytes and the most elements, of each type'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "hotkeys" -d 'Finds the keys that are used most'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "keys-in-slot" -d 'Shows the keys of a slot, on whichever masters they lie'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "key-slot" -d 'Shows the slot of keys, and what of each key is hashed'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "hash-tag-demo" -d 'Shows how hash tags bring keys into one slot; on a cluster, with commands really sent'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "cross-slot-demo" -d 'Shows the CROSSSLOT error and how to avoid it; on a cluster, with commands really sent'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "watch" -d 'Shows the cluster live: nodes, roles, slots, keys, traffic, replication, and events as they happen'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "lab" -d 'Runs nodes on this machine: a whole cluster to try things on'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "completions" -d 'Prints the completions for a shell'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "node" -d 'Runs a node of a cluster (rcl node --help says more)'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "cli" -d 'Talks to one node, or the cluster behind it, at a prompt or from a script (rcl cli --help says more)'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "redis-cli" -d 'Speaks redis-cli\'s dialect (rcl redis-cli --help says more)'
complete -c rcl -n "__fish_rcl_using_subcommand help; and not __fish_seen_subcommand_from create info check fix nodes slot-info reshard rebalance add-node add-replica scale-down replace-node failover jobs resume undo call backup restore verify import bigkeys hotkeys keys-in-slot key-slot hash-tag-demo cross-slot-demo watch lab completions node cli redis-cli help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c rcl -n "__fish_rcl_using_subcommand help; and __fish_seen_subcommand_from lab" -f -a "start" -d 'Starts the nodes that are not running, and waits until all answer'
complete -c rcl -n "__fish_rcl_using_subcommand help; and __fish_seen_subcommand_from lab" -f -a "stop" -d 'Ends nodes by SIGTERM, and waits until they are gone'
complete -c rcl -n "__fish_rcl_using_subcommand help; and __fish_seen_subcommand_from lab" -f -a "status" -d 'Shows the nodes and whether they run'
complete -c rcl -n "__fish_rcl_using_subcommand help; and __fish_seen_subcommand_from lab" -f -a "clean" -d 'Ends all nodes and removes their data'
complete -c rcl -n "__fish_rcl_using_subcommand help; and __fish_seen_subcommand_from lab" -f -a "kill" -d 'Kills a node (SIGKILL), as a crash would'
complete -c rcl -n "__fish_rcl_using_subcommand help; and __fish_seen_subcommand_from lab" -f -a "restart" -d 'Starts a node again, ending it first if it runs'
complete -c rcl -n "__fish_rcl_using_subcommand help; and __fish_seen_subcommand_from lab" -f -a "add" -d 'Starts one more node'
