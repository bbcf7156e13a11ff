//! Work: what compiling the functions of a module would cost, as far as it can be counted.
//!
//! The compiler keeps a value for each local at each loop, for each argument of each call, for each
//! result at each branch. A few bytes can ask for millions of them. So products are bounded, far
//! above what toolchains make.

use wasmparser::{BlockType, FunctionBody, Operator, ValType};

use super::{invalid, too_big};
use crate::UploadRefused;

/// The most parameters and results of a core function or block.
const PARAMETERS: usize = 256;
const RESULTS: usize = 64;

/// The most locals of a function, a vector counted twice: they are its frame on our stack.
const LOCALS: usize = 16_384;

/// The most values of one function's locals at its loops, and of its calls and branches. Each costs
/// the compiler up to a kilobyte.
const LOOPED: usize = 2 * 1024 * 1024;
const CARRIED: usize = 256 * 1024;

/// How deep blocks may be nested.
const DEPTH: usize = 8_192;

/// The most bytes of a function's body.
const BODY_BYTES: usize = 4 * 1024 * 1024;

/// How many values a function or block takes and gives.
#[derive(Debug, Clone, Copy, Default)]
struct Arity {
    parameters: usize,
    results: usize,
}

impl Arity {
    const fn values(self) -> usize {
        self.parameters + self.results
    }
}

/// A module, as far as the bodies of its functions need it.
#[derive(Default)]
pub(super) struct Module {
    /// By index; none for what is no function.
    types: Vec<Option<Arity>>,
    /// The types of imported functions, then of its own.
    functions: Vec<u32>,
}

impl Module {
    pub(super) fn add_type(
        &mut self,
        function: Option<&wasmparser::FuncType>,
    ) -> Result<(), UploadRefused> {
        let arity = function.map(|function| Arity {
            parameters: function.params().len(),
            results: function.results().len(),
        });
        let Arity { parameters, results } = arity.unwrap_or_default();
        if parameters > PARAMETERS {
            return Err(too_big(&format!("a function of {parameters} parameters"), PARAMETERS));
        }
        if results > RESULTS {
            return Err(too_big(&format!("a function of {results} results"), RESULTS));
        }
        self.types.push(arity);
        Ok(())
    }

    pub(super) fn add_function(&mut self, type_index: u32) {
        self.functions.push(type_index);
    }

    /// What is not there is found by the validator.
    fn arity(&self, type_index: u32) -> Arity {
        self.types.get(type_index as usize).copied().flatten().unwrap_or_default()
    }

    fn arity_of_function(&self, index: u32) -> Arity {
        self.functions.get(index as usize).map_or_else(Arity::default, |ty| self.arity(*ty))
    }

    fn arity_of_block(&self, block: BlockType) -> Arity {
        match block {
            BlockType::Empty => Arity::default(),
            BlockType::Type(_) => Arity { parameters: 0, results: 1 },
            BlockType::FuncType(index) => self.arity(index),
        }
    }

    /// Counts what a function's body asks for.
    pub(super) fn add_body(&self, body: &FunctionBody<'_>) -> Result<(), UploadRefused> {
        let bytes = body.as_bytes().len();
        if bytes > BODY_BYTES {
            return Err(too_big(&format!("a function of {bytes} bytes"), BODY_BYTES));
        }
        let mut locals = 0_usize;
        for group in body.get_locals_reader().map_err(invalid)? {
            let (count, ty) = group.map_err(invalid)?;
            let places = match ty {
                ValType::V128 => 2,
                ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 | ValType::Ref(_) => 1,
            };
            locals = locals.saturating_add((count as usize).saturating_mul(places));
        }
        if locals > LOCALS {
            return Err(too_big(&format!("a function of {locals} locals"), LOCALS));
        }

        // What a branch to each open block carries; the function itself is the outermost, whose
        // results are its return's.
        let mut labels: Vec<usize> = vec![1];
        let arity_of_label = |labels: &[usize], depth: u32| {
            let place = labels.len().checked_sub(depth as usize + 1);
            place.and_then(|place| labels.get(place)).copied().unwrap_or_default()
        };
        let (mut looped, mut carried) = (0_usize, 0_usize);
        for operator in body.get_operators_reader().map_err(invalid)? {
            let more = match operator.map_err(invalid)? {
                Operator::Block { blockty } | Operator::If { blockty } => {
                    let arity = self.arity_of_block(blockty);
                    labels.push(arity.results);
                    arity.values()
                }
                Operator::Loop { blockty } => {
                    let arity = self.arity_of_block(blockty);
                    labels.push(arity.parameters);
                    looped = looped.saturating_add(locals);
                    arity.values()
                }
                Operator::End => {
                    labels.pop();
                    0
                }
                Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                    arity_of_label(&labels, relative_depth)
                }
                Operator::BrTable { targets } => {
                    let mut sum = arity_of_label(&labels, targets.default());
                    for target in targets.targets() {
                        let one = arity_of_label(&labels, target.map_err(invalid)?);
                        sum = sum.saturating_add(one);
                    }
                    sum
                }
                Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                    self.arity_of_function(function_index).values()
                }
                Operator::CallIndirect { type_index, .. }
                | Operator::ReturnCallIndirect { type_index, .. } => {
                    self.arity(type_index).values()
                }
                _ => 0,
            };
            if labels.len() > DEPTH {
                return Err(too_big("blocks nested deeper than that", DEPTH));
            }
            if looped > LOOPED {
                return Err(too_big("a function with more locals times loops", LOOPED));
            }
            carried = carried.saturating_add(more);
            if carried > CARRIED {
                let what = "a function whose calls and branches carry more values";
                return Err(too_big(what, CARRIED));
            }
        }
        Ok(())
    }
}
