
use builtin;
use str;

set edit:completion:arg-completer[rcl] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'rcl'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'rcl'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand create 'Creates a cluster from empty nodes'
            cand info 'Shows the cluster on one screen: masters, their slots and keys, replicas'
            cand check 'Checks the cluster as all its nodes see it'
            cand fix 'Closes open slots and gives uncovered ones an owner'
            cand nodes 'Lists all nodes: ids, roles, states, slots, keys'
            cand slot-info 'Shows each master''s slots: ranges, counts, keys, share'
            cand reshard 'Moves slots, with their keys, to one master'
            cand rebalance 'Evens out how many slots the masters own, with the fewest moves'
            cand add-node 'Adds an empty node as a master without slots'
            cand add-replica 'Adds an empty node as a replica'
            cand scale-down 'Takes a node out of the cluster'
            cand remove-node 'Takes a node out of the cluster'
            cand replace-node 'Puts an empty node in another''s place'
            cand failover 'Makes a replica the master of its shard'
            cand call 'Sends one command to every node and shows each answer'
            cand backup 'Copies the data of all masters into a folder, with a manifest'
            cand restore 'Restores a backup into a cluster, with any number of masters'
            cand verify 'Compares two clusters, or a backup with a cluster, key by key'
            cand import 'Copies or moves the keys of a server, or of another cluster, into a cluster'
            cand bigkeys 'Finds the keys with the most bytes and the most elements, of each type'
            cand hotkeys 'Finds the keys that are used most'
            cand keys-in-slot 'Shows the keys of a slot, on whichever masters they lie'
            cand key-slot 'Shows the slot of keys, and what of each key is hashed'
            cand hash-tag-demo 'Shows how hash tags bring keys into one slot; on a cluster, with commands really sent'
            cand cross-slot-demo 'Shows the CROSSSLOT error and how to avoid it; on a cluster, with commands really sent'
            cand watch 'Shows the cluster live: nodes, roles, slots, keys, traffic, replication, and events as they happen'
            cand lab 'Runs nodes on this machine: a whole cluster to try things on'
            cand completions 'Prints the completions for a shell'
            cand node 'Runs a node of a cluster (rcl node --help says more)'
            cand redis-cli 'Speaks redis-cli''s dialect (rcl redis-cli --help says more)'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'rcl;create'= {
            cand --replicas 'How many replicas each master gets'
            cand --file 'A YAML file: `nodes:`, a list of HOST:PORT, and `replicas:`, a number'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;info'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;check'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;fix'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --replace 'Overwrites keys that exist on the target too'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;nodes'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;slot-info'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;reshard'= {
            cand --from 'Where slots come from: `all`, or NODE, which may be given several times'
            cand --to 'Where they go: host:port, a node id, or its unique beginning'
            cand --slots 'How many slots; several sources give in proportion to what they own'
            cand --slot-ranges 'Just these slots, as 0-99,200'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --replace 'Overwrites keys that exist on the target too'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;rebalance'= {
            cand --weight 'A master''s weight; 1 when not given, 0 takes all its slots. May be given several times'
            cand --threshold 'Does nothing while every master is nearer than so many per cent to its share'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --use-empty-masters 'Gives slots to masters that have none'
            cand --replace 'Overwrites keys that exist on the target too'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;add-node'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;add-replica'= {
            cand --master 'The master to replicate: host:port, a node id, or its unique beginning'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;scale-down'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --replace 'Overwrites keys that exist on the target too'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;remove-node'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --replace 'Overwrites keys that exist on the target too'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;replace-node'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;failover'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --force 'Does not ask the master, which may be dead; a majority of the masters must vote'
            cand --takeover 'Asks nobody: for when most masters are gone'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;call'= {
            cand --only 'Only to this node: host:port, a node id, or its unique beginning'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --only-masters 'Only to masters'
            cand --only-replicas 'Only to replicas'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;backup'= {
            cand --parallel 'How many nodes are asked at once; all by default'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --compress 'Writes the files with gzip; zcat and rcl restore read them'
            cand --from-replicas 'Asks a replica that is in sync instead of its master'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;restore'= {
            cand --rate 'No more than so many keys a second'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --replace 'Overwrites keys and libraries that exist; other keys of the cluster stay'
            cand --into-non-empty 'Leaves keys and libraries that exist as they are'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;verify'= {
            cand --sample 'Looks at about so many keys only, which their names decide'
            cand --pattern 'Only keys like this, as in KEYS: user:*'
            cand --type 'Only keys of this type'
            cand --ttl-tolerance 'How far two times to live may be apart, in milliseconds'
            cand --show 'How many keys to name of each kind of difference'
            cand --rate 'No more than so many keys a second'
            cand --from-user 'The ACL user at the source'
            cand --from-password-file 'A file whose first line is the password at the source (or set RCL_FROM_AUTH)'
            cand --from-db 'The database of a source that is one server'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --from-no-auth 'Does not log in at the source'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;import'= {
            cand --pattern 'Only keys like this, as in KEYS: user:*'
            cand --type 'Only keys of this type'
            cand --cursor 'Keeps in this file how far it has come'
            cand --rate 'No more than so many keys a second'
            cand --from-user 'The ACL user at the source'
            cand --from-password-file 'A file whose first line is the password at the source (or set RCL_FROM_AUTH)'
            cand --from-db 'The database of a source that is one server'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --move 'Deletes each key at the source when the target has it, unless it has changed since'
            cand --replace 'Overwrites keys that the target has with another value'
            cand --keep-existing 'Leaves keys that the target has with another value'
            cand --follow 'Then follows what is written at the source, until Ctrl-C: the target has what the source has'
            cand --from-no-auth 'Does not log in at the source'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;bigkeys'= {
            cand --pattern 'Only keys like this, as in KEYS: user:*'
            cand --type 'Only keys of this type'
            cand --top 'How many keys to show of each type'
            cand --samples 'How many elements of a collection MEMORY USAGE looks at; 0 for all of them'
            cand --rate 'No more than so many keys a second, of all nodes together'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --from-replicas 'Asks a replica that is in sync instead of its master'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;hotkeys'= {
            cand --pattern 'Only keys like this, as in KEYS: user:*'
            cand --type 'Only keys of this type'
            cand --top 'How many keys to show'
            cand --monitor 'Counts what clients send, by MONITOR, for so many seconds: nodes are slower meanwhile'
            cand --rate 'No more than so many keys a second, of all nodes together'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;keys-in-slot'= {
            cand --of-key 'The slot of this key'
            cand --limit 'How many keys to show of a node'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;key-slot'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;hash-tag-demo'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;cross-slot-demo'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;watch'= {
            cand -i 'Seconds between two looks'
            cand --interval 'Seconds between two looks'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand --once 'Looks once and ends'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;lab'= {
            cand --dir 'The folder of the nodes'' data'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand start 'Starts the nodes that are not running, and waits until all answer'
            cand stop 'Ends nodes by SIGTERM, and waits until they are gone'
            cand status 'Shows the nodes and whether they run'
            cand clean 'Ends all nodes and removes their data'
            cand kill 'Kills a node (SIGKILL), as a crash would'
            cand restart 'Starts a node again, ending it first if it runs'
            cand add 'Starts one more node'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'rcl;lab;start'= {
            cand --nodes 'How many nodes'
            cand --base-port 'The port of node 1, for a lab that is not there yet'
            cand --server 'Another server program to run, as redis-server; it is remembered for the node'
            cand --dir 'The folder of the nodes'' data'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;lab;stop'= {
            cand --dir 'The folder of the nodes'' data'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;lab;status'= {
            cand --dir 'The folder of the nodes'' data'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;lab;clean'= {
            cand --dir 'The folder of the nodes'' data'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;lab;kill'= {
            cand --dir 'The folder of the nodes'' data'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;lab;restart'= {
            cand --server 'Another server program to run, as redis-server; it is remembered for the node'
            cand --dir 'The folder of the nodes'' data'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;lab;add'= {
            cand --base-port 'The port of node 1, for a lab that is not there yet'
            cand --server 'Another server program to run, as redis-server; it is remembered for the node'
            cand --dir 'The folder of the nodes'' data'
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;lab;help'= {
            cand start 'Starts the nodes that are not running, and waits until all answer'
            cand stop 'Ends nodes by SIGTERM, and waits until they are gone'
            cand status 'Shows the nodes and whether they run'
            cand clean 'Ends all nodes and removes their data'
            cand kill 'Kills a node (SIGKILL), as a crash would'
            cand restart 'Starts a node again, ending it first if it runs'
            cand add 'Starts one more node'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'rcl;lab;help;start'= {
        }
        &'rcl;lab;help;stop'= {
        }
        &'rcl;lab;help;status'= {
        }
        &'rcl;lab;help;clean'= {
        }
        &'rcl;lab;help;kill'= {
        }
        &'rcl;lab;help;restart'= {
        }
        &'rcl;lab;help;add'= {
        }
        &'rcl;lab;help;help'= {
        }
        &'rcl;completions'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;node'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;redis-cli'= {
            cand -o 'How data is printed to stdout'
            cand --output 'How data is printed to stdout'
            cand --entry 'A node of the cluster, where a verb takes a node id'
            cand --user 'The ACL user to log in as'
            cand --password-file 'A file whose first line is the password (or set REDISCLI_AUTH)'
            cand -a 'Refused: every user of this machine could read it'
            cand --password 'Refused: every user of this machine could read it'
            cand --timeout 'How long a node may take to answer, in seconds'
            cand -y 'Does not ask before a change'
            cand --yes 'Does not ask before a change'
            cand --dry-run 'Shows the plan of a change and stops'
            cand --askpass 'Asks for the password'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'rcl;help'= {
            cand create 'Creates a cluster from empty nodes'
            cand info 'Shows the cluster on one screen: masters, their slots and keys, replicas'
            cand check 'Checks the cluster as all its nodes see it'
            cand fix 'Closes open slots and gives uncovered ones an owner'
            cand nodes 'Lists all nodes: ids, roles, states, slots, keys'
            cand slot-info 'Shows each master''s slots: ranges, counts, keys, share'
            cand reshard 'Moves slots, with their keys, to one master'
            cand rebalance 'Evens out how many slots the masters own, with the fewest moves'
            cand add-node 'Adds an empty node as a master without slots'
            cand add-replica 'Adds an empty node as a replica'
            cand scale-down 'Takes a node out of the cluster'
            cand replace-node 'Puts an empty node in another''s place'
            cand failover 'Makes a replica the master of its shard'
            cand call 'Sends one command to every node and shows each answer'
            cand backup 'Copies the data of all masters into a folder, with a manifest'
            cand restore 'Restores a backup into a cluster, with any number of masters'
            cand verify 'Compares two clusters, or a backup with a cluster, key by key'
            cand import 'Copies or moves the keys of a server, or of another cluster, into a cluster'
            cand bigkeys 'Finds the keys with the most bytes and the most elements, of each type'
            cand hotkeys 'Finds the keys that are used most'
            cand keys-in-slot 'Shows the keys of a slot, on whichever masters they lie'
            cand key-slot 'Shows the slot of keys, and what of each key is hashed'
            cand hash-tag-demo 'Shows how hash tags bring keys into one slot; on a cluster, with commands really sent'
            cand cross-slot-demo 'Shows the CROSSSLOT error and how to avoid it; on a cluster, with commands really sent'
            cand watch 'Shows the cluster live: nodes, roles, slots, keys, traffic, replication, and events as they happen'
            cand lab 'Runs nodes on this machine: a whole cluster to try things on'
            cand completions 'Prints the completions for a shell'
            cand node 'Runs a node of a cluster (rcl node --help says more)'
            cand redis-cli 'Speaks redis-cli''s dialect (rcl redis-cli --help says more)'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'rcl;help;create'= {
        }
        &'rcl;help;info'= {
        }
        &'rcl;help;check'= {
        }
        &'rcl;help;fix'= {
        }
        &'rcl;help;nodes'= {
        }
        &'rcl;help;slot-info'= {
        }
        &'rcl;help;reshard'= {
        }
        &'rcl;help;rebalance'= {
        }
        &'rcl;help;add-node'= {
        }
        &'rcl;help;add-replica'= {
        }
        &'rcl;help;scale-down'= {
        }
        &'rcl;help;replace-node'= {
        }
        &'rcl;help;failover'= {
        }
        &'rcl;help;call'= {
        }
        &'rcl;help;backup'= {
        }
        &'rcl;help;restore'= {
        }
        &'rcl;help;verify'= {
        }
        &'rcl;help;import'= {
        }
        &'rcl;help;bigkeys'= {
        }
        &'rcl;help;hotkeys'= {
        }
        &'rcl;help;keys-in-slot'= {
        }
        &'rcl;help;key-slot'= {
        }
        &'rcl;help;hash-tag-demo'= {
        }
        &'rcl;help;cross-slot-demo'= {
        }
        &'rcl;help;watch'= {
        }
        &'rcl;help;lab'= {
            cand start 'Starts the nodes that are not running, and waits until all answer'
            cand stop 'Ends nodes by SIGTERM, and waits until they are gone'
            cand status 'Shows the nodes and whether they run'
            cand clean 'Ends all nodes and removes their data'
            cand kill 'Kills a node (SIGKILL), as a crash would'
            cand restart 'Starts a node again, ending it first if it runs'
            cand add 'Starts one more node'
        }
        &'rcl;help;lab;start'= {
        }
        &'rcl;help;lab;stop'= {
        }
        &'rcl;help;lab;status'= {
        }
        &'rcl;help;lab;clean'= {
        }
        &'rcl;help;lab;kill'= {
        }
        &'rcl;help;lab;restart'= {
        }
        &'rcl;help;lab;add'= {
        }
        &'rcl;help;completions'= {
        }
        &'rcl;help;node'= {
        }
        &'rcl;help;redis-cli'= {
        }
        &'rcl;help;help'= {
        }
    ]
    $completions[$command]
}
