//! Notices new migrations: the macro that embeds them sees only the files that were there when it
//! ran last.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
