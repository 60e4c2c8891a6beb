//! One track to one subscriber: which layer, from which packet on, under which numbers.
