//! Boolean expressions compiled to flat programs over slots, run on whole words of truth vectors.

/// A slot: the place of a truth vector among all vectors of a table.
pub(super) type Slot = u32;

/// A slot or its complement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Operand {
    pub(super) slot: Slot,
    pub(super) negated: bool,
}

impl Operand {
    pub(super) fn plain(slot: Slot) -> Self {
        Operand { slot, negated: false }
    }
}

/// A boolean tree over slots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Tree {
    Leaf(Operand),
    All(Vec<Tree>),
    Any(Vec<Tree>),
}

/// What an instruction does with the top register, or the two topmost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Code {
    /// Opens a new register with the operand.
    Load,
    /// Top AND operand.
    And,
    /// Top OR operand.
    Or,
    /// Closes the top register into the one below, by AND.
    AndTop,
    /// Closes the top register into the one below, by OR.
    OrTop,
}

/// One instruction; the operand counts for the first three codes only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Instruction {
    pub(super) code: Code,
    pub(super) operand: Operand,
}

/// A program that leaves its result in the first register.
///
/// Children that need most registers come first, so a tree of n leaves needs at most log2(n) + 1 of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Program {
    pub(super) code: Box<[Instruction]>,
    /// Registers that it opens at once.
    pub(super) registers: usize,
}

impl Program {
    /// Compiles a tree whose operators have at least one child each.
    ///
    /// Recursion is as deep as the tree, which the language bounds at 100 brackets.
    pub(super) fn compile(tree: &Tree) -> Self {
        let mut code = Vec::new();
        emit(tree, &mut code);
        Program { code: code.into_boxed_slice(), registers: registers(tree) }
    }

    /// The slots that it reads, as often as it does.
    pub(super) fn reads(&self) -> impl Iterator<Item = Slot> + '_ {
        let takes_operand = |code| matches!(code, Code::Load | Code::And | Code::Or);
        self.code.iter().filter(move |step| takes_operand(step.code)).map(|step| step.operand.slot)
    }
}

fn is_leaf(tree: &Tree) -> bool {
    matches!(tree, Tree::Leaf(_))
}

/// Registers needed: a leaf after the first child is combined straight from its slot and needs none.
fn registers(tree: &Tree) -> usize {
    match tree {
        Tree::Leaf(_) => 1,
        Tree::All(children) | Tree::Any(children) => {
            let mut needs: Vec<usize> = children.iter().filter(|child| !is_leaf(child)).map(registers).collect();
            needs.sort_unstable_by(|a, b| b.cmp(a));
            needs.iter().enumerate().map(|(at, need)| need + usize::from(at > 0)).max().unwrap_or(1)
        }
    }
}

fn emit(tree: &Tree, code: &mut Vec<Instruction>) {
    let (children, direct, closing) = match tree {
        Tree::Leaf(operand) => {
            code.push(Instruction { code: Code::Load, operand: *operand });
            return;
        }
        Tree::All(children) => (children, Code::And, Code::AndTop),
        Tree::Any(children) => (children, Code::Or, Code::OrTop),
    };
    let mut nested: Vec<(usize, &Tree)> =
        children.iter().filter(|child| !is_leaf(child)).map(|child| (registers(child), child)).collect();
    nested.sort_by_key(|&(need, _)| std::cmp::Reverse(need));
    let mut first = true;
    for (_, child) in nested {
        emit(child, code);
        if !first {
            code.push(Instruction { code: closing, operand: Operand::plain(0) });
        }
        first = false;
    }
    for child in children {
        if let Tree::Leaf(operand) = child {
            code.push(Instruction { code: if first { Code::Load } else { direct }, operand: *operand });
            first = false;
        }
    }
}

/// Most words that a vector of a batch has.
pub(super) const MAX_WORDS: usize = 64;

/// The slot of the vector that is all zeros.
pub(super) const ZERO: Slot = 0;

/// Registers of a running program, kept from program to program.
#[derive(Default)]
pub(super) struct Registers(Vec<[u64; MAX_WORDS]>);

impl Registers {
    /// Makes room for programs of that many registers.
    pub(super) fn reserve(&mut self, registers: usize) {
        if self.0.len() < registers {
            self.0.resize(registers, [0; MAX_WORDS]);
        }
    }

    /// Runs a program over `width` words, of which `vector` gives the operand's; the result stands in the slice.
    #[inline(always)]
    pub(super) fn run<'a>(&mut self, program: &Program, width: usize, vector: impl Fn(Slot) -> &'a [u64]) -> &[u64] {
        let mut top = 0;
        for instruction in &program.code {
            let Instruction { code, operand } = *instruction;
            let flip = if operand.negated { u64::MAX } else { 0 };
            match code {
                Code::Load => {
                    for (word, &given) in self.0[top].iter_mut().zip(vector(operand.slot)) {
                        *word = given ^ flip;
                    }
                    top += 1;
                }
                Code::And => {
                    for (word, &given) in self.0[top - 1].iter_mut().zip(vector(operand.slot)) {
                        *word &= given ^ flip;
                    }
                }
                Code::Or => {
                    for (word, &given) in self.0[top - 1].iter_mut().zip(vector(operand.slot)) {
                        *word |= given ^ flip;
                    }
                }
                Code::AndTop | Code::OrTop => {
                    top -= 1;
                    let (low, high) = self.0.split_at_mut(top);
                    let pairs = low[top - 1].iter_mut().zip(&high[0]).take(width);
                    if code == Code::AndTop {
                        pairs.for_each(|(word, &given)| *word &= given);
                    } else {
                        pairs.for_each(|(word, &given)| *word |= given);
                    }
                }
            }
        }
        &self.0[0][..width]
    }
}

/// Registers of [`run_word`]: enough for trees of 2^15 leaves, of which a query has 250.
const WORD_REGISTERS: usize = 16;

/// Runs a program over one word before and after a change at once; `word` gives the operand's. `None` if the program
/// takes too many registers.
#[inline(always)]
pub(super) fn run_word(program: &Program, word: impl Fn(Slot) -> (u64, u64)) -> Option<(u64, u64)> {
    if program.registers > WORD_REGISTERS {
        return None;
    }
    let mut below = [(0, 0); WORD_REGISTERS];
    let mut depth = 0;
    let mut top = (0, 0);
    for instruction in &program.code {
        let Instruction { code, operand } = *instruction;
        let flip = if operand.negated { u64::MAX } else { 0 };
        match code {
            Code::Load => {
                *below.get_mut(depth)? = top;
                depth += 1;
                let (before, after) = word(operand.slot);
                top = (before ^ flip, after ^ flip);
            }
            Code::And => {
                let (before, after) = word(operand.slot);
                top = (top.0 & (before ^ flip), top.1 & (after ^ flip));
            }
            Code::Or => {
                let (before, after) = word(operand.slot);
                top = (top.0 | (before ^ flip), top.1 | (after ^ flip));
            }
            Code::AndTop => {
                depth -= 1;
                let (before, after) = *below.get(depth)?;
                top = (before & top.0, after & top.1);
            }
            Code::OrTop => {
                depth -= 1;
                let (before, after) = *below.get(depth)?;
                top = (before | top.0, after | top.1);
            }
        }
    }
    Some(top)
}
