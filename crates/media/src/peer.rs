//! One client's transport: the only place that touches the WebRTC library.
