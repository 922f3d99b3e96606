# SPDX-License-Identifier: Apache-2.0
# Rows of CFI that compilers hardly ever write, for x86-64: a function each, whose code is never run.
# Where the unwinders part, the function has the name of the kind (kinds.c).

.macro function name
    .globl \name
    .type \name, @function
\name:
    .cfi_startproc
.endm

.macro done name
    nop
    .cfi_endproc
    .size \name, . - \name
.endm

    .text

# ---- all three alike ----

function plain
    .cfi_def_cfa_offset 16
    .cfi_offset rbx, -24
    .cfi_offset rbp, -16
    nop
    .cfi_def_cfa_register rbp
    .cfi_offset r12, -32
    .cfi_offset r13, -40
    .cfi_offset r14, -48
    .cfi_offset r15, -56
    nop
    .cfi_remember_state
    .cfi_def_cfa rsp, 8
    .cfi_restore rbp
    nop
    .cfi_restore_state
done plain

# Advances of all sizes.
function far
    .cfi_offset rbx, -16
    .cfi_def_cfa_offset 24
    .fill 100, 1, 0x90
    .cfi_def_cfa_offset 32
    .fill 1000, 1, 0x90
    .cfi_def_cfa_offset 40
    .fill 70000, 1, 0x90
    .cfi_def_cfa_offset 48
done far

function no_caller
    .cfi_offset rbx, -16
    .cfi_undefined rip
done no_caller

# rbp in rcx, rbx in rdx, the return address in r11.
function in_registers
    .cfi_register rbp, rcx
    .cfi_register rbx, rdx
    .cfi_register rip, r11
done in_registers

function rare_forms
    .cfi_offset rbx, -16
    .cfi_escape 0x11, 0x0c, 0x7e        # offset_extended_sf r12, -2 * -8
    .cfi_escape 0x2f, 0x0d, 0x03        # GNU_negative_offset_extended r13
    .cfi_escape 0x2e, 0x10              # GNU_args_size 16
done rare_forms

# A CFA that is read from memory, as where the stack was aligned: [rbp - 8]; [[rsp + 24] + 8] + 8.
function cfa_in_memory
    .cfi_offset rbx, -16
    .cfi_escape 0x0f, 0x03, 0x76, 0x78, 0x06
    nop
    .cfi_escape 0x0f, 0x08, 0x77, 0x18, 0x06, 0x23, 0x08, 0x06, 0x23, 0x08
done cfa_in_memory

# As in a linkage table: rsp + 8 + ((rip & 15) >= 11) << 3.
function linkage
    .cfi_offset rbx, -16
    .cfi_escape 0x0f, 0x0b, 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22
    .fill 32, 1, 0x90
done linkage

# Where registers are, by expression: rbp at rbp, rbx at [r10] + 16, r12 is r12 * 3 - 1, and what is on
# the stack to begin with is the CFA.
function by_expressions
    .cfi_escape 0x10, 0x06, 0x02, 0x76, 0x00
    .cfi_escape 0x10, 0x03, 0x05, 0x7a, 0x00, 0x06, 0x23, 0x10
    .cfi_escape 0x16, 0x0c, 0x06, 0x7c, 0x00, 0x33, 0x1e, 0x31, 0x1c
    .cfi_escape 0x10, 0x0d, 0x02, 0x23, 0x08
    .cfi_escape 0x16, 0x0e, 0x02, 0x23, 0x18
done by_expressions

# dup over pick drop swap rot; abs neg not and or xor mul div mod shl shr shra; comparisons; a branch
# that is taken, one that is not, a skip; constants of all sizes; deref of four bytes.
function operations
    .cfi_offset rbx, -16
    .cfi_escape 0x16, 0x06, 0x09, 0x38, 0x12, 0x33, 0x14, 0x15, 0x01, 0x22, 0x22, 0x16
    .cfi_escape 0x16, 0x0c, 0x08, 0x35, 0x36, 0x37, 0x17, 0x13, 0x1c, 0x1f, 0x19
    .cfi_escape 0x16, 0x0d, 0x0a, 0x3f, 0x20, 0x3a, 0x1a, 0x39, 0x21, 0x38, 0x27, 0x37, 0x1e
    .cfi_escape 0x16, 0x0e, 0x0c, 0x0a, 0xe8, 0x03, 0x37, 0x1b, 0x3b, 0x1d, 0x32, 0x24, 0x31, 0x25, 0x96
    .cfi_escape 0x16, 0x0f, 0x0b, 0x0d, 0x00, 0x00, 0x00, 0x80, 0x34, 0x26, 0x08, 0x80, 0x22, 0x96
    nop
    .cfi_escape 0x16, 0x06, 0x08, 0x31, 0x30, 0x29, 0x33, 0x34, 0x2d, 0x22, 0x96
    .cfi_escape 0x16, 0x0c, 0x09, 0x31, 0x28, 0x02, 0x00, 0x35, 0x96, 0x34, 0x33, 0x22
    .cfi_escape 0x16, 0x0d, 0x08, 0x30, 0x28, 0x01, 0x00, 0x35, 0x34, 0x22, 0x96
    .cfi_escape 0x16, 0x0e, 0x06, 0x34, 0x2f, 0x01, 0x00, 0x35, 0x38
    .cfi_escape 0x16, 0x0f, 0x05, 0x7a, 0x00, 0x94, 0x04, 0x96
    nop
    .cfi_escape 0x16, 0x06, 0x09, 0x0e, 1, 2, 3, 4, 5, 6, 7, 8
    .cfi_escape 0x16, 0x0c, 0x04, 0x10, 0xff, 0xff, 0x03
    .cfi_escape 0x16, 0x0d, 0x04, 0x11, 0xff, 0xff, 0x73
    .cfi_escape 0x16, 0x0e, 0x06, 0x09, 0x80, 0x0b, 0xfe, 0xff, 0x22
    .cfi_escape 0x16, 0x0f, 0x04, 0x92, 0x0a, 0x10, 0x06
done operations

# An interrupted function, all of whose registers lie above the stack pointer.
    .globl interrupted
    .type interrupted, @function
interrupted:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_escape 0x0f, 0x04, 0x77, 0xa0, 0x01, 0x06
    .cfi_escape 0x10, 0x10, 0x03, 0x77, 0xa8, 0x01
    .cfi_escape 0x10, 0x06, 0x03, 0x77, 0xf8, 0x00
    .cfi_escape 0x10, 0x03, 0x03, 0x77, 0x80, 0x01
done interrupted

# The return address in a column of another register's, where it is not the pc's.
function another_column
    .cfi_return_column r11
    .cfi_offset r11, -16
    .cfi_offset rbx, -24
    nop
    .cfi_undefined r11
done another_column

# What is said to be undefined is lost, also where functions leave it alone.
function lost
    .cfi_undefined rbx
    .cfi_undefined r15
done lost

# ---- where they part ----

# libdw does not know rbx where nothing is said of it.
function libdw_rbx
done libdw_rbx

function libunwind_rbp
    .cfi_offset rbx, -16
    .cfi_undefined rbp
done libunwind_rbp

function libunwind_vectors
    .cfi_offset rbx, -16
    .cfi_offset xmm6, -48
done libunwind_vectors

function libunwind_rsp
    .cfi_offset rbx, -16
    .cfi_offset rsp, -32
    nop
    .cfi_register rsp, rcx
done libunwind_rsp

# Each in the register of the other.
function libunwind_register
    .cfi_register rbx, r12
    .cfi_register r12, rbx
done libunwind_register

# rbp is CFA - 32; then CFA + 24.
function libunwind_values
    .cfi_offset rbx, -16
    .cfi_escape 0x14, 0x06, 0x04
    nop
    .cfi_escape 0x15, 0x06, 0x7d
done libunwind_values

# The CFA is an expression; from there on it is another register, and nobody says how far from it.
function no_cfa
    .cfi_offset rbx, -16
    .cfi_def_cfa_offset 16
    .cfi_escape 0x0f, 0x05, 0x77, 0x18, 0x06, 0x23, 0x08
    nop
    .cfi_def_cfa_register rcx
done no_cfa

# The return address in a column of which nothing is said.
function no_return_address
    .cfi_return_column r11
    .cfi_offset rbx, -16
done no_return_address

# It is where nobody looks.
function unknown_register
    .cfi_offset rbx, -16
    .cfi_register rip, xmm3
done unknown_register

    .section .note.GNU-stack, "", @progbits
