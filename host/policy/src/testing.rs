//! Guests for tests, of this crate and of those above it: policies written as core WebAssembly text
//! and made into components of the contract.
//!
//! No toolchain is needed, and a guest can lie in every way that the binary format allows.

use std::fmt::Write as _;
use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where the guest keeps the answer of `route`: a `result<assignment, decline>`.
pub const ANSWER: u32 = 8192;

/// Where it keeps its one reason, a text's pointer and length. `configure` points it to the
/// settings.
pub const REASON: u32 = 8448;

/// Where it keeps the text of a reason or of a decline that it was built with.
const REASON_TEXT: u32 = 16_384;

/// Where it keeps a decline: a `result<assignment, decline>`.
const DECLINE: u32 = 8456;

/// Where `configure` finds a good result.
pub const CONFIGURED: u32 = 1000;

/// Where its description begins.
const DESCRIPTION: u32 = 1024;

/// The first byte of its heap.
const HEAP: u32 = 65_536;

/// The interfaces of WASI that guests import, as far as they use them. One function has no result,
/// which it has in WASI.
const WASI: &str = r"
package wasi:clocks@0.2.6 {
    interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }
    interface monotonic-clock { now: func() -> u64; }
}
package wasi:random@0.2.6 {
    interface random { get-random-u64: func() -> u64; get-random-bytes: func(len: u64) -> list<u8>; }
}
package wasi:io@0.2.6 {
    interface error { resource error { to-debug-string: func() -> string; } }
    interface streams {
        use error.{error};
        variant stream-error { last-operation-failed(error), closed }
        resource output-stream {
            check-write: func() -> result<u64, stream-error>;
            blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
        }
    }
}
package wasi:cli@0.2.6 {
    interface environment {
        get-environment: func() -> list<tuple<string, string>>;
        get-arguments: func() -> list<string>;
    }
    interface exit { exit: func(status: result); }
    interface stderr { use wasi:io/streams@0.2.6.{output-stream}; get-stderr: func() -> output-stream; }
}
package wasi:filesystem@0.2.6 {
    interface types {
        use wasi:io/error@0.2.6.{error};
        resource descriptor { sync: func() -> result; }
        open: func() -> result;
        filesystem-error-code: func(err: borrow<error>);
    }
    interface preopens {
        use types.{descriptor};
        get-directories: func() -> list<tuple<descriptor, string>>;
    }
}
package wasi:sockets@0.2.6 {
    interface network { resource network; }
}
package wasi:http@0.2.6 {
    interface outgoing-handler { handle: func(); }
}
package test:res {
    interface things { resource thing; }
}
";

/// A policy that routes everything to `network`, until it is told to do something else.
#[derive(Clone)]
pub struct Guest {
    name: String,
    schema: String,
    hooks: Vec<String>,
    worlds: String,
    extra: String,
    memory: String,
    describe: String,
    configure: String,
    allocate: String,
    route: String,
    data: Vec<(u32, Vec<u8>)>,
}

impl Default for Guest {
    fn default() -> Self {
        Self::new()
    }
}

impl Guest {
    /// One that exports the lifecycle and `routing`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            name: "test-router".to_owned(),
            schema: "{}".to_owned(),
            hooks: vec!["route".to_owned()],
            worlds: "import waypost:policy/log@0.1.0;".to_owned(),
            extra: r#"(import "waypost:policy/log@0.1.0" "log" (func $log (param i32 i32 i32)))"#
                .to_owned(),
            memory: "2".to_owned(),
            describe: format!("i32.const {DESCRIPTION}"),
            // Remembers the settings as the reason that `route` gives.
            configure: format!(
                "(i32.store (i32.const {REASON}) (local.get 0))
                 (i32.store offset=4 (i32.const {REASON}) (local.get 1))
                 (i32.const {CONFIGURED})"
            ),
            allocate: String::new(),
            route: format!("i32.const {ANSWER}"),
            data: Vec::new(),
        }
    }

    /// What `describe` names it.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The JSON Schema of its settings.
    #[must_use]
    pub fn schema(mut self, schema: &str) -> Self {
        schema.clone_into(&mut self.schema);
        self
    }

    /// The hooks that it lists in its description, by their names.
    #[must_use]
    pub fn hooks(mut self, hooks: &[&str]) -> Self {
        self.hooks = hooks.iter().map(|hook| (*hook).to_owned()).collect();
        self
    }

    /// Imports one more interface, in WIT and as a core import.
    #[must_use]
    pub fn import(mut self, interface: &str, core: &str) -> Self {
        let _ = write!(self.worlds, " import {interface};");
        self.extra.insert_str(0, core);
        self
    }

    /// Exports one more interface, in WIT, with the core imports that this takes.
    #[must_use]
    pub fn export(mut self, interface: &str, core: &str) -> Self {
        let _ = write!(self.worlds, " export {interface};");
        self.extra.insert_str(0, core);
        self
    }

    /// Adds functions, globals or tables.
    #[must_use]
    pub fn with(mut self, core: &str) -> Self {
        self.extra.push_str(core);
        self
    }

    /// The limits of its memory: `1` or `1 16`.
    #[must_use]
    pub fn memory(mut self, limits: &str) -> Self {
        limits.clone_into(&mut self.memory);
        self
    }

    /// The body of `describe`, which returns a pointer.
    #[must_use]
    pub fn describe(mut self, body: &str) -> Self {
        body.clone_into(&mut self.describe);
        self
    }

    /// The body of `configure`: parameters 0 to 5 are the pointers and lengths of the settings, the
    /// data and the hooks.
    #[must_use]
    pub fn configure(mut self, body: &str) -> Self {
        body.clone_into(&mut self.configure);
        self
    }

    /// What `configure` does before it accepts the settings.
    #[must_use]
    pub fn before_configured(self, body: &str) -> Self {
        let configure = format!("{body} {}", self.configure);
        self.configure(&configure)
    }

    /// What its allocator does before it allocates.
    #[must_use]
    pub fn before_allocating(mut self, body: &str) -> Self {
        body.clone_into(&mut self.allocate);
        self
    }

    /// The body of `route`, which returns a pointer.
    #[must_use]
    pub fn route(mut self, body: &str) -> Self {
        body.clone_into(&mut self.route);
        self
    }

    /// What `route` does before it gives the usual answer.
    #[must_use]
    pub fn before_answer(self, body: &str) -> Self {
        let route = format!("{body} (i32.const {ANSWER})");
        self.route(&route)
    }

    /// Gives this as its one reason, whatever its settings are.
    ///
    /// # Panics
    /// When it is longer than any text.
    #[must_use]
    pub fn reason(self, text: &[u8]) -> Self {
        let length = u32::try_from(text.len()).expect("a test's guest is well-formed");
        let place = [REASON_TEXT.to_le_bytes(), length.to_le_bytes()].concat();
        let configured = format!("i32.const {CONFIGURED}");
        self.data(REASON, &place).data(REASON_TEXT, text).configure(&configured)
    }

    /// Has no opinion about any ticket, because a fact is missing: this one.
    ///
    /// # Panics
    /// When it is longer than any text.
    #[must_use]
    pub fn declining(self, what: &[u8]) -> Self {
        let length = u32::try_from(what.len()).expect("a test's guest is well-formed");
        // The second case of `result`, and in it the second of `decline`, with its text.
        let decline = [1, 1, REASON_TEXT, length].map(u32::to_le_bytes).concat();
        self.data(DECLINE, &decline).data(REASON_TEXT, what).route(&format!("i32.const {DECLINE}"))
    }

    /// Writes bytes into the memory that the policy starts with.
    #[must_use]
    pub fn data(mut self, at: u32, bytes: &[u8]) -> Self {
        self.data.push((at, bytes.to_vec()));
        self
    }

    /// The component.
    ///
    /// # Panics
    /// When what it was told makes no component.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        self.build_with(&format!(
            "export waypost:lifecycle/lifecycle@0.1.0; export waypost:policy/routing@0.1.0; {}",
            self.worlds
        ))
    }

    /// The component, of a world with these imports and exports.
    ///
    /// # Panics
    /// When what it was told makes no component.
    #[must_use]
    pub fn build_with(&self, world: &str) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/0.1.0");
        resolve.push_dir(&wit).expect("a test's guest is well-formed");
        let text = format!("package test:guest;\nworld guest {{ {world} }}\n{WASI}");
        let package = resolve.push_str("guest.wit", &text).expect("a test's guest is well-formed");
        let world =
            resolve.select_world(&[package], Some("guest")).expect("a test's guest is well-formed");

        let mut module = wat::parse_str(self.core()).expect("a test's guest is well-formed");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
            .expect("a test's guest is well-formed");
        ComponentEncoder::default()
            .module(&module)
            .expect("a test's guest is well-formed")
            .validate(true)
            .encode()
            .expect("a test's guest is well-formed")
    }

    fn core(&self) -> String {
        let Self { extra, memory, describe, configure, allocate, route, .. } = self;
        let mut data = String::new();
        let texts = [(DESCRIPTION, self.description()), (ANSWER, answer())];
        for (at, bytes) in texts.iter().chain(&self.data) {
            let _ = write!(data, "(data (i32.const {at}) \"");
            for byte in bytes {
                write!(data, "\\{byte:02x}").expect("a test's guest is well-formed");
            }
            data.push_str("\")\n");
        }
        // The imports come first, as the text format wants them.
        format!(
            r#"(module
                {extra}
                (memory (export "memory") {memory})
                (global $heap (mut i32) (i32.const {HEAP}))
                (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    (local $at i32)
                    {allocate}
                    (local.set $at
                        (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                    (global.set $heap (i32.add (local.get $at) (local.get 3)))
                    (block $enough
                        (loop $more
                            (br_if $enough (i32.le_u (global.get $heap)
                                (i32.mul (memory.size) (i32.const 65536))))
                            (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
                                (then unreachable))
                            (br $more)))
                    (local.get $at))
                (func (export "waypost:lifecycle/lifecycle@0.1.0#describe") (result i32) {describe})
                (func (export "waypost:lifecycle/lifecycle@0.1.0#configure")
                    (param i32 i32 i32 i32 i32 i32) (result i32) {configure})
                (func (export "waypost:policy/routing@0.1.0#route") (param i32) (result i32)
                    {route})
                {data})"#
        )
    }

    fn description(&self) -> Vec<u8> {
        let mut image = Image::at(DESCRIPTION, 48);
        let texts = [self.name.as_str(), "1.0.0", "the tests", "Routes.", self.schema.as_str()];
        for (field, text) in texts.into_iter().enumerate() {
            image.text(field * 8, text.as_bytes());
        }
        // Each is its name's pointer and length, and no needs.
        let mut hooks = vec![0; self.hooks.len() * 16];
        for (place, hook) in self.hooks.iter().enumerate() {
            let [pointer, length] = image.put(hook.as_bytes());
            hooks[place * 16..place * 16 + 4].copy_from_slice(&pointer.to_le_bytes());
            hooks[place * 16 + 4..place * 16 + 8].copy_from_slice(&length.to_le_bytes());
        }
        image.text(40, &hooks);
        image.number(44, u32::try_from(self.hooks.len()).expect("a test's guest is well-formed"));
        image.bytes
    }
}

/// A good policy with one more module at its end, which is compiled and never used.
///
/// # Panics
/// When the text is no module.
#[must_use]
pub fn with_module(text: &str) -> Vec<u8> {
    let module = wat::parse_str(text).expect("a test's module is well-formed");
    let mut component = Guest::new().build();
    component.push(1);
    let mut length = module.len();
    while length >= 0x80 {
        component.push(u8::try_from(length % 0x80).expect("it is a remainder") | 0x80);
        length /= 0x80;
    }
    component.push(u8::try_from(length).expect("it is less than a byte"));
    component.extend(module);
    component
}

/// A policy with so many functions whose branches carry as many values as is let in: each takes the
/// compiler a while, and some hundred megabytes.
///
/// # Panics
/// Never.
#[must_use]
pub fn costly(functions: usize) -> Vec<u8> {
    const BLOCKS: usize = 200;
    const TABLES: usize = 20;
    let results = "i32 ".repeat(60);
    let values = "i32.const 0 ".repeat(60);
    let targets = (1..=BLOCKS).fold(String::new(), |targets, depth| format!("{targets}{depth} "));
    let table = format!("i32.const 1 if {values} i32.const 0 br_table {targets} end ");
    let function = format!(
        "(func {} {} {values} {} {})",
        "block (type $many) ".repeat(BLOCKS),
        table.repeat(TABLES),
        "end ".repeat(BLOCKS),
        "drop ".repeat(60),
    );
    let functions = function.repeat(functions);
    with_module(&format!("(module (type $many (func (result {results}))) {functions})"))
}

/// Team `network`, set, with full confidence and one reason; neither person nor watchers.
fn answer() -> Vec<u8> {
    let mut image = Image::at(ANSWER, 60);
    image.bytes[4] = 1;
    image.text(8, b"network");
    image.bytes[17] = 100;
    image.number(52, REASON);
    image.number(56, 1);
    image.bytes
}

/// Bytes of a guest's memory from an address on: fixed fields, then the texts that they point to.
struct Image {
    at: u32,
    bytes: Vec<u8>,
}

impl Image {
    fn at(at: u32, fields: usize) -> Self {
        Self { at, bytes: vec![0; fields] }
    }

    fn number(&mut self, field: usize, number: u32) {
        self.bytes[field..field + 4].copy_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, field: usize, text: &[u8]) {
        let [pointer, length] = self.put(text);
        self.number(field, pointer);
        self.number(field + 4, length);
    }

    /// Appends bytes, and says where they are and how many.
    fn put(&mut self, text: &[u8]) -> [u32; 2] {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
        let pointer =
            self.at + u32::try_from(self.bytes.len()).expect("a test's guest is well-formed");
        self.bytes.extend_from_slice(text);
        [pointer, u32::try_from(text.len()).expect("a test's guest is well-formed")]
    }
}
