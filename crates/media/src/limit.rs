//! Every limit of the media server, with its unit and what happens when it is reached.
