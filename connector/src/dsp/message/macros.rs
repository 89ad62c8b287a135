//! The messages that differ only in their names: process ids alone, with a cause, or with a state.

/// What the state machines need of a message that carries both process ids, and perhaps a cause.
macro_rules! between_both {
    ($name:ident $(, $cause:ident)?) => {
        impl $crate::dsp::message::ProcessMessage for $name {
            fn pid(&self, end: $crate::dsp::Role) -> Option<&$crate::dsp::id::Id> {
                Some(self.pids.of(end))
            }

            $(fn cause(&self) -> Option<&Cause> {
                Some(&self.$cause)
            })?

            fn json(&self, id: &str) -> Value {
                self.to_json(Some(id))
            }
        }
    };
}

/// A message of both process ids and nothing else.
macro_rules! pids_only {
    ($(#[$doc:meta])* $name:ident, $type:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Both process ids.
            pub pids: Pids,
        }

        impl Message for $name {
            const TYPE: &'static str = $type;

            fn read(node: &Node<'_>) -> Result<Self, MessageError> {
                Ok(Self { pids: Pids::read(node)? })
            }

            fn write(&self, members: &mut Map<String, Value>) {
                self.pids.write(members);
            }
        }

        between_both!($name);
    };
}

/// A message of both process ids and a cause.
macro_rules! with_cause {
    ($(#[$doc:meta])* $name:ident, $type:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Both process ids.
            pub pids: Pids,
            /// Why.
            pub cause: Cause,
        }

        impl Message for $name {
            const TYPE: &'static str = $type;

            fn read(node: &Node<'_>) -> Result<Self, MessageError> {
                Ok(Self { pids: Pids::read(node)?, cause: Cause::read(node)? })
            }

            fn write(&self, members: &mut Map<String, Value>) {
                self.pids.write(members);
                self.cause.write(members);
            }
        }

        between_both!($name, cause);
    };
}

/// An answer of both process ids and a state.
macro_rules! with_state {
    ($(#[$doc:meta])* $name:ident, $type:literal, $state:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            /// Both process ids.
            pub pids: Pids,
            /// The state.
            pub state: $state,
        }

        impl Message for $name {
            const TYPE: &'static str = $type;

            fn read(node: &Node<'_>) -> Result<Self, MessageError> {
                let state = node.text("state")?.parse();
                Ok(Self {
                    pids: Pids::read(node)?,
                    state: state.map_err(|()| node.form("state", <$state>::EXPECTED))?,
                })
            }

            fn write(&self, members: &mut Map<String, Value>) {
                self.pids.write(members);
                put(members, "state", self.state.name());
            }
        }
    };
}
