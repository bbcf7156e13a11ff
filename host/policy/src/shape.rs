//! The shape of an upload: what can be said about its bytes before anything is compiled.

mod work;

use wasmparser::{
    CanonicalFunction, ComponentInstance, CompositeInnerType, ElementItems, Encoding, MemoryType,
    Parser, Payload, TableType, TypeRef,
};

use self::work::Module;
use crate::UploadRefused;
use crate::contract::{LIFECYCLE_VERSION, WIT_VERSION, lifecycle_export};
use crate::engine::{MEMORIES, TABLE_ELEMENTS, TABLES};
use crate::imports::{self, Name};

/// What a component imports and exports, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
    /// Whether it has resources of its own, whose handles are kept outside of its memory.
    pub(crate) has_resources: bool,
}

impl Shape {
    /// Whether what is imported can be answered, what is exported of the contract's two packages
    /// has the versions that are served, and the lifecycle is among it.
    pub(crate) fn check_names(&self) -> Result<(), UploadRefused> {
        self.imports.iter().try_for_each(|import| imports::check(import))?;
        let is_other = |export: &&String| {
            Name::parse(export).is_some_and(|name| {
                let other_than = |served| name.version.is_some_and(|version| version != served);
                (name.is_of_hooks() && other_than(WIT_VERSION))
                    || (name.is_of_lifecycle() && other_than(LIFECYCLE_VERSION))
            })
        };
        if let Some(found) = self.exports.iter().find(is_other) {
            return Err(UploadRefused::contract_version(found));
        }
        let export = lifecycle_export();
        if self.exports.contains(&export) {
            return Ok(());
        }
        Err(UploadRefused::MissingExport { export })
    }
}

/// How deep components may be nested, and how many instances of components there may be. A
/// component inside a component, instantiated twice, inside another that is instantiated twice:
/// thirty such layers are few bytes, and a billion instances.
const NESTED: usize = 3;
const COMPONENT_INSTANCES: usize = 64;

/// The most interfaces that are imported or exported, and the most characters of a name. Python's
/// runtime imports some thirty.
const INTERFACES: usize = 64;
const NAME_CHARS: usize = 128;

/// The most of each thing of a component, over all that is nested in it. An interpreter has some
/// ten thousands of functions.
const FUNCTIONS: usize = 100_000;
const GLOBALS: usize = 50_000;
const TYPES: usize = 50_000;
const SEGMENTS: usize = 20_000;
const ELEMENTS: usize = 500_000;

/// The most types, aliases, functions, instances and exports between a component's modules, and how
/// many of them there may be once nested components are instantiated.
const ITEMS: usize = 50_000;
const INSTANTIATED_ITEMS: usize = 1_000_000;

/// The bytes of a WebAssembly page.
const PAGE_BYTES: u64 = 64 * 1024;

/// Reads the shape. Whether the bytes are valid is the engine's to say; here nothing is done with
/// them but counting.
pub(crate) fn read(bytes: &[u8], memory_limit: usize) -> Result<Shape, UploadRefused> {
    if Parser::is_core_wasm(bytes) {
        return Err(UploadRefused::NotAComponent);
    }
    let mut reader = Reader { memory_limit, ..Reader::default() };
    reader.read(bytes)?;
    Ok(reader.shape)
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn invalid(error: wasmparser::BinaryReaderError) -> UploadRefused {
    UploadRefused::invalid(&error.to_string())
}

#[derive(Default)]
struct Reader {
    shape: Shape,
    memory_limit: usize,
    memories: usize,
    tables: usize,
    component_instances: usize,
    functions: usize,
    globals: usize,
    types: usize,
    segments: usize,
    elements: usize,
    items: usize,
}

/// What is open: the component itself, then what is nested in it.
enum Open {
    Component,
    Module(Module),
}

impl Reader {
    fn read(&mut self, bytes: &[u8]) -> Result<(), UploadRefused> {
        let mut open = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(invalid)?;
            match &payload {
                Payload::Version { encoding: Encoding::Component, .. } => {
                    open.push(Open::Component);
                    let is_component = |one: &&Open| matches!(one, Open::Component);
                    if open.iter().filter(is_component).count() > NESTED {
                        return Err(too_big("components nested deeper than that", NESTED));
                    }
                    continue;
                }
                Payload::Version { encoding: Encoding::Module, .. } => {
                    open.push(Open::Module(Module::default()));
                    continue;
                }
                Payload::End(_) => {
                    open.pop();
                    continue;
                }
                _ => {}
            }
            let is_outermost = open.len() == 1;
            match open.last_mut() {
                Some(Open::Module(module)) => self.of_module(module, payload)?,
                Some(Open::Component) => self.of_component(is_outermost, payload)?,
                None => {}
            }
        }
        Ok(())
    }

    fn of_component(
        &mut self,
        is_outermost: bool,
        payload: Payload<'_>,
    ) -> Result<(), UploadRefused> {
        let items = match payload {
            Payload::ComponentImportSection(section) => {
                let count = section.count();
                if is_outermost {
                    for import in section {
                        let name = import.map_err(invalid)?.name.name;
                        name_of("imports", name, &mut self.shape.imports)?;
                    }
                }
                count
            }
            Payload::ComponentExportSection(section) => {
                let count = section.count();
                if is_outermost {
                    for export in section {
                        let name = export.map_err(invalid)?.name.name;
                        name_of("exports", name, &mut self.shape.exports)?;
                    }
                }
                count
            }
            Payload::ComponentInstanceSection(section) => {
                let count = section.count();
                for instance in section {
                    if let ComponentInstance::Instantiate { .. } = instance.map_err(invalid)? {
                        self.component_instances += 1;
                    }
                }
                let what = "instances of components";
                bounded(&mut 0, self.component_instances, what, COMPONENT_INSTANCES)?;
                count
            }
            Payload::ComponentCanonicalSection(section) => {
                let count = section.count();
                for function in section {
                    if let CanonicalFunction::ResourceNew { .. } = function.map_err(invalid)? {
                        self.shape.has_resources = true;
                    }
                }
                count
            }
            Payload::ComponentTypeSection(section) => section.count(),
            Payload::CoreTypeSection(section) => section.count(),
            Payload::ComponentAliasSection(section) => section.count(),
            Payload::InstanceSection(section) => section.count(),
            _ => 0,
        };
        let what = "types, aliases, functions, instances and exports";
        bounded(&mut self.items, items as usize, what, ITEMS)?;
        let instantiated = self.items.saturating_mul(self.component_instances);
        let what = "items in instances of components";
        bounded(&mut 0, instantiated, what, INSTANTIATED_ITEMS)
    }

    fn of_module(
        &mut self,
        module: &mut Module,
        payload: Payload<'_>,
    ) -> Result<(), UploadRefused> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group.map_err(invalid)?.into_types() {
                        bounded(&mut self.types, 1, "types", TYPES)?;
                        match ty.composite_type.inner {
                            CompositeInnerType::Func(function) => {
                                module.add_type(Some(&function))?;
                            }
                            // The engine takes none of these.
                            CompositeInnerType::Array(_)
                            | CompositeInnerType::Struct(_)
                            | CompositeInnerType::Cont(_) => module.add_type(None)?,
                        }
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import.map_err(invalid)?.ty {
                        TypeRef::Func(index) | TypeRef::FuncExact(index) => {
                            bounded(&mut self.functions, 1, "functions", FUNCTIONS)?;
                            module.add_function(index);
                        }
                        TypeRef::Global(_) => bounded(&mut self.globals, 1, "globals", GLOBALS)?,
                        TypeRef::Table(_) | TypeRef::Memory(_) | TypeRef::Tag(_) => {}
                    }
                }
            }
            Payload::FunctionSection(section) => {
                bounded(&mut self.functions, section.count() as usize, "functions", FUNCTIONS)?;
                for index in section {
                    module.add_function(index.map_err(invalid)?);
                }
            }
            Payload::GlobalSection(section) => {
                bounded(&mut self.globals, section.count() as usize, "globals", GLOBALS)?;
            }
            Payload::DataSection(section) => {
                let what = "segments of data or elements";
                bounded(&mut self.segments, section.count() as usize, what, SEGMENTS)?;
            }
            Payload::ElementSection(section) => {
                let what = "segments of data or elements";
                bounded(&mut self.segments, section.count() as usize, what, SEGMENTS)?;
                for segment in section {
                    let count = match segment.map_err(invalid)?.items {
                        ElementItems::Functions(items) => items.count(),
                        ElementItems::Expressions(_, items) => items.count(),
                    };
                    bounded(&mut self.elements, count as usize, "elements", ELEMENTS)?;
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
            Payload::CodeSectionEntry(body) => module.add_body(&body)?,
            _ => {}
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

/// Adds to a count, if that stays within its bound.
fn bounded(count: &mut usize, more: usize, what: &str, limit: usize) -> Result<(), UploadRefused> {
    *count = count.saturating_add(more);
    if *count > limit {
        return Err(too_big(&format!("{count} {what}"), limit));
    }
    Ok(())
}

/// Adds the name of an interface, if it and their number stay within their bounds.
fn name_of(what: &str, name: &str, names: &mut Vec<String>) -> Result<(), UploadRefused> {
    if name.chars().count() > NAME_CHARS {
        let what = format!("a name of {} characters among its {what}", name.chars().count());
        return Err(too_big(&what, NAME_CHARS));
    }
    names.push(name.to_owned());
    bounded(&mut 0, names.len(), what, INTERFACES)
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

    #[track_caller]
    fn is_too_big(text: &str, what: &str) {
        let refused = shape(text).unwrap_err();
        assert_eq!(refused.code(), "too_big");
        assert!(refused.to_string().contains(what), "{refused}");
    }

    fn function(text: &str) -> String {
        format!("(component (core module {text}))")
    }

    #[test]
    fn names_and_their_number_are_bounded() {
        let long = "a".repeat(NAME_CHARS);
        is_too_big(&format!(r#"(component (import "{long}b" (func)))"#), "129 characters");
        let many = (0..=INTERFACES).map(|number| format!(r#"(import "a{number}" (func))"#));
        let many = many.collect::<Vec<_>>().concat();
        is_too_big(&format!("(component {many})"), "65 imports");
        let many = (0..=INTERFACES).map(|number| format!(r#"(export "a{number}" (instance $i))"#));
        let many = many.collect::<Vec<_>>().concat();
        is_too_big(&format!("(component (instance $i) {many})"), "65 exports");
    }

    #[test]
    fn functions_of_many_parameters_and_results_are_refused() {
        let many = "i32 ".repeat(1000);
        is_too_big(&function(&format!("(type (func (param {many})))")), "parameters");
        is_too_big(&function(&format!("(type (func (result {many})))")), "results");
    }

    #[test]
    fn branches_that_carry_many_values_are_refused() {
        let results = "i32 ".repeat(60);
        let targets = "0 ".repeat(3000);
        let table = format!(
            "(block (result {results}) {} (br_table {targets} (i32.const 0)))",
            "(i32.const 0)".repeat(60)
        );
        let drops = "drop ".repeat(60);
        let body = format!("{table} {drops}").repeat(2);
        is_too_big(&function(&format!("(func {body})")), "branches carry");
        // A few of them are what ordinary code has.
        shape(&function(&format!("(func {table} {drops})"))).unwrap();
    }

    #[test]
    fn calls_that_carry_many_values_are_refused() {
        let parameters = "i32 ".repeat(250);
        // What they are called with is the validator's to look for.
        let calls = "call 0 ".repeat(1100);
        let text = format!("(func (param {parameters})) (func {calls})");
        is_too_big(&function(&text), "calls");
    }

    #[test]
    fn locals_times_loops_are_refused() {
        let locals = "i32 ".repeat(2000);
        let loops = "(loop)".repeat(4000);
        is_too_big(&function(&format!("(func (local {locals}) {loops})")), "loops");
        let locals = "v128 ".repeat(9000);
        is_too_big(&function(&format!("(func (local {locals}))")), "18000 locals");
    }

    #[test]
    fn blocks_in_blocks_are_bounded() {
        // In the binary format, for the text would be read by recursion.
        let depth = 10_000;
        let mut body = vec![0];
        body.extend([0x02, 0x40].repeat(depth));
        body.extend(vec![0x0b; depth + 1]);
        let mut module = wat::parse_str("(module (func))").unwrap();
        // The code section is the last, without the names that the text gives: id, size, one body.
        let code = module.windows(6).position(|w| w == [0x0a, 4, 1, 2, 0, 0x0b]).unwrap();
        module.truncate(code);
        let size = leb(body.len());
        let section = [vec![1], size, body].concat();
        module.extend([vec![0x0a], leb(section.len()), section].concat());
        let mut component = wat::parse_str("(component)").unwrap();
        component.extend([vec![1], leb(module.len()), module].concat());
        let refused = read(&component, LIMIT).unwrap_err();
        assert!(refused.to_string().contains("nested deeper"), "{refused}");
    }

    fn leb(mut number: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let low = u8::try_from(number % 128).unwrap();
            number /= 128;
            if number == 0 {
                bytes.push(low);
                return bytes;
            }
            bytes.push(low | 0x80);
        }
    }

    #[test]
    fn many_functions_globals_elements_and_items_are_refused() {
        is_too_big(&function(&"(func)".repeat(FUNCTIONS + 1)), "functions");
        is_too_big(&function(&"(global i32 (i32.const 0))".repeat(GLOBALS + 1)), "globals");
        let segments = "(elem func 0)".repeat(SEGMENTS + 1);
        is_too_big(&function(&format!("(func) {segments}")), "segments");
        let elements = "0 ".repeat(100_001);
        let elements = format!("(elem func {elements})").repeat(5);
        is_too_big(&function(&format!("(func) {elements}")), "elements");
        let aliases = r#"(alias export $i "a" (func))"#.repeat(ITEMS + 1);
        let text =
            format!(r#"(component (import "i" (instance $i (export "a" (func)))) {aliases})"#);
        is_too_big(&text, "aliases");
    }

    #[test]
    fn resources_of_its_own_are_noticed() {
        let own = "(component (type $r (resource (rep i32))) (core func (canon resource.new $r)))";
        assert!(shape(own).unwrap().has_resources);
        assert!(!shape("(component)").unwrap().has_resources);
    }

    #[test]
    fn what_ships_is_far_below_every_bound() {
        let shipped =
            include_bytes!("../../../tests/golden/components/example-router-rs-0.1.0.wasm");
        let mut reader = Reader { memory_limit: LIMIT, ..Reader::default() };
        reader.read(shipped).unwrap();
        assert!(reader.functions * 8 < FUNCTIONS, "{}", reader.functions);
        assert!(reader.globals * 8 < GLOBALS && reader.types * 8 < TYPES);
        assert!(reader.segments * 8 < SEGMENTS && reader.elements * 8 < ELEMENTS);
        assert!(reader.items * 8 < ITEMS, "{}", reader.items);
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
