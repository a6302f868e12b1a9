//! READ ME FIRST. requests → stage → image → launch.

mod stream;
