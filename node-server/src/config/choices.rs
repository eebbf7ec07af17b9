//! The choices that the node acts on, as types. The words live here once; the table refers to `WORDS`.

/// An enum whose variants are the words of a directive.
macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            pub const WORDS: &'static [&'static str] = &[$($word),+];
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }
    };
}

choices!(LogLevel { Debug = "debug", Verbose = "verbose", Notice = "notice", Warning = "warning", Nothing = "nothing" });

choices!(
    /// When the append-only file is synced.
    AppendFsync { Everysec = "everysec", /** Before anything is answered. */ Always = "always", /** When the system likes. */ No = "no" }
);

choices!(
    /// Who may use DEBUG, or change a protected directive.
    ProtectedAction { No = "no", Yes = "yes", /** Clients of this machine. */ Local = "local" }
);

choices!(
    /// What channels a new user may use.
    ChannelDefault { AllChannels = "allchannels", ResetChannels = "resetchannels" }
);

choices!(
    /// What CLUSTER SLOTS, MOVED and ASK name a node by.
    EndpointType { Ip = "ip", Hostname = "hostname", UnknownEndpoint = "unknown-endpoint" }
);

choices!(
    /// How the kernel's out-of-memory score is set. `relative` is another word for `yes`.
    OomScoreAdj { No = "no", Relative = "yes", Absolute = "absolute" }
);

choices!(
    /// Where a copy of the master's data goes first.
    DisklessLoad { Disabled = "disabled", OnEmptyDb = "on-empty-db", Swapdb = "swapdb" }
);

choices!(
    /// Whose payloads INFO counts as checked in depth. All of them are.
    SanitizeDump { No = "no", Yes = "yes", /** What clients send whose user is not trusted. */ Clients = "clients" }
);

choices!(MaxmemoryPolicy {
    VolatileLru = "volatile-lru",
    VolatileLfu = "volatile-lfu",
    VolatileRandom = "volatile-random",
    VolatileTtl = "volatile-ttl",
    AllkeysLru = "allkeys-lru",
    AllkeysLfu = "allkeys-lfu",
    AllkeysRandom = "allkeys-random",
    Noeviction = "noeviction",
});
