//! Realtime: clients follow consultations through a WebSocket.
//!
//! | step | module |
//! |---|---|
//! | Triggers of the database append an event in the transaction of each change. | [`events`] |
//! | A connection is kept with its caller, its end, and what it follows. | [`Connections`] |
//! | After a commit, [`Pusher`] posts what each subscriber has not got yet. | [`Pusher`] |
//! | A client that comes back names its last event, and gets the rest. | [`Pusher::deliver`] |
//!
//! Events are persisted first and pushed second: a push that fails, or that a crash prevents, is
//! made good by the next one, since each subscription knows the last event that was posted to it.
//! So a client gets all events in their order, some of them perhaps twice, and never one before the
//! one in front of it.

mod connection;
mod connections;
mod event;
pub mod events;
mod frame;
mod gateway;
mod item;
mod message;
mod push;
mod subprotocol;

pub use connection::{Connection, ConnectionId, MAX_CONNECTION_TIME, Subscription};
pub use connections::{Connections, MAX_CONNECTIONS, MAX_SUBSCRIPTIONS};
pub use event::{Event, EventType};
pub use frame::ServerFrame;
pub use gateway::{Gateway, PostError};
pub use message::{Action, MAX_FRAME_BYTES, Ping, RequestName, Subscribe, Unsubscribe};
pub use push::Pusher;
pub use subprotocol::{SUBPROTOCOL, offered_token};
