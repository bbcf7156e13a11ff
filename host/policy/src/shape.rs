//! The shape of an upload: what can be said about its bytes before anything is compiled.

use wasmparser::{
    ComponentInstance, Encoding, MemoryType, Parser, Payload, TableType, Validator, WasmFeatures,
};

use crate::UploadRefused;
use crate::engine::{MEMORIES, TABLE_ELEMENTS, TABLES};

/// What a component imports and exports, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

/// How deep components may be nested, and how many instances of components there may be. A
/// component inside a component, instantiated twice, inside another that is instantiated twice:
/// thirty such layers are few bytes, and a billion instances.
const NESTED: usize = 3;
const COMPONENT_INSTANCES: usize = 64;

/// The bytes of a WebAssembly page.
const PAGE_BYTES: u64 = 64 * 1024;

/// Validates the bytes and reads the shape.
pub(crate) fn read(bytes: &[u8], memory_limit: usize) -> Result<Shape, UploadRefused> {
    if Parser::is_core_wasm(bytes) {
        return Err(UploadRefused::NotAComponent);
    }
    let mut reader = Reader { memory_limit, ..Reader::default() };
    // Counts come before validation, which itself works through what is nested.
    reader.read(bytes)?;
    Validator::new_with_features(WasmFeatures::default()).validate_all(bytes).map_err(invalid)?;
    Ok(reader.shape)
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn invalid(error: wasmparser::BinaryReaderError) -> UploadRefused {
    UploadRefused::Invalid { message: error.to_string() }
}

#[derive(Default)]
struct Reader {
    shape: Shape,
    memory_limit: usize,
    memories: usize,
    tables: usize,
    component_instances: usize,
}

impl Reader {
    fn read(&mut self, bytes: &[u8]) -> Result<(), UploadRefused> {
        // The encodings of what is open: the component itself, then what is nested in it.
        let mut open = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(invalid)? {
                Payload::Version { encoding, .. } => {
                    open.push(encoding);
                    let nested = open.iter().filter(|other| **other == Encoding::Component).count();
                    if nested > NESTED {
                        return Err(too_big("components nested deeper than that", NESTED));
                    }
                }
                Payload::End(_) => {
                    open.pop();
                }
                Payload::ComponentImportSection(section) if open.len() == 1 => {
                    for import in section {
                        let import = import.map_err(invalid)?;
                        self.shape.imports.push(import.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if open.len() == 1 => {
                    for export in section {
                        let export = export.map_err(invalid)?;
                        self.shape.exports.push(export.name.name.to_owned());
                    }
                }
                Payload::ComponentInstanceSection(section) => {
                    for instance in section {
                        if let ComponentInstance::Instantiate { .. } = instance.map_err(invalid)? {
                            self.component_instances += 1;
                        }
                    }
                    if self.component_instances > COMPONENT_INSTANCES {
                        let what = format!("{} instances of components", self.component_instances);
                        return Err(too_big(&what, COMPONENT_INSTANCES));
                    }
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        self.memory(&memory.map_err(invalid)?)?;
                    }
                }
                Payload::TableSection(section) => {
                    for table in section {
                        self.table(&table.map_err(invalid)?.ty)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn memory(&mut self, memory: &MemoryType) -> Result<(), UploadRefused> {
        self.memories += 1;
        if self.memories > MEMORIES as usize {
            return Err(too_big(&format!("{} memories", self.memories), MEMORIES as usize));
        }
        let bytes = memory.initial.saturating_mul(PAGE_BYTES);
        if bytes > self.memory_limit as u64 {
            return Err(too_big(
                &format!("{bytes} bytes of memory at its start"),
                self.memory_limit,
            ));
        }
        Ok(())
    }

    fn table(&mut self, table: &TableType) -> Result<(), UploadRefused> {
        self.tables += 1;
        if self.tables > TABLES as usize {
            return Err(too_big(&format!("{} tables", self.tables), TABLES as usize));
        }
        if table.initial > TABLE_ELEMENTS as u64 {
            return Err(too_big(&format!("a table of {} elements", table.initial), TABLE_ELEMENTS));
        }
        Ok(())
    }
}

fn too_big(what: &str, limit: usize) -> UploadRefused {
    UploadRefused::TooBig { what: what.to_owned(), limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 64 * 1024 * 1024;

    fn shape(text: &str) -> Result<Shape, UploadRefused> {
        read(&wat::parse_str(text).unwrap(), LIMIT)
    }

    #[test]
    fn imports_and_exports_are_those_of_the_outermost_component() {
        let shape = shape(
            r#"(component
                (import "wasi:io/poll@0.2.6" (instance))
                (component (import "wasi:sockets/tcp@0.2.6" (instance)))
                (instance $empty)
                (export "waypost:policy/routing@0.1.0" (instance $empty)))"#,
        )
        .unwrap();
        assert_eq!(shape.imports, ["wasi:io/poll@0.2.6"]);
        assert_eq!(shape.exports, ["waypost:policy/routing@0.1.0"]);
    }

    #[test]
    fn a_module_is_no_component() {
        assert_eq!(shape("(module)").unwrap_err().code(), "not_a_component");
    }

    #[test]
    fn what_is_no_wasm_is_invalid() {
        for bytes in [&b""[..], b"\0asm", b"PK\x03\x04", b"\0asm\x0d\0\x01\0\xff"] {
            assert_eq!(read(bytes, LIMIT).unwrap_err().code(), "invalid", "{bytes:?}");
        }
    }

    #[test]
    fn more_than_the_sandbox_has_room_for_is_too_big() {
        let tables = "(table 1 funcref)".repeat(9);
        for text in [
            "(component (core module (memory 1025)))".to_owned(),
            "(component (core module (memory 1)) (core module (memory 1) (memory 1)))".to_owned(),
            "(component (core module (table 100000 funcref)))".to_owned(),
            format!("(component (core module {tables}))"),
            "(component (component (component (component))))".to_owned(),
        ] {
            assert_eq!(shape(&text).unwrap_err().code(), "too_big", "{text}");
        }
    }

    #[test]
    fn instances_of_instances_are_bounded() {
        let many = "(instance (instantiate $inner))".repeat(100);
        let text = format!("(component (component $inner) {many})");
        assert_eq!(shape(&text).unwrap_err().code(), "too_big");
    }
}
