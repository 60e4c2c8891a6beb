//! The sound side: everyone hears all the others.
