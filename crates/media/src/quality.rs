//! How good a connection is, as one number people understand.
