//! The strategies that ship with Bellwether, one file each
