/*
 * WasmEdge 0.14.1 compiles for the processor that it runs on and for no other. LLVM, as Debian builds it, holds all processors, and what WasmEdge does
 * with it is the same for all of them but for SIMD, which the server's module has not (LLVM would refuse it, not get it wrong). Preloaded, this tells WasmEdge
 * that it runs on arm64: where it sets up what LLVM knows of this processor, that of arm64 is set up instead. No feature is named, and the generic
 * processor is Armv8.0-A, which each arm64 has: no LSE atomics, no SVE, no half precision.
 *
 * The linker in WasmEdge goes by what it is given.
 */
extern char *strdup(const char *);
extern void LLVMInitializeAArch64TargetInfo(void);
extern void LLVMInitializeAArch64Target(void);
extern void LLVMInitializeAArch64TargetMC(void);
extern void LLVMInitializeAArch64AsmPrinter(void);

void LLVMInitializeX86TargetInfo(void) { LLVMInitializeAArch64TargetInfo(); }
void LLVMInitializeX86Target(void) { LLVMInitializeAArch64Target(); }
void LLVMInitializeX86TargetMC(void) { LLVMInitializeAArch64TargetMC(); }
void LLVMInitializeX86AsmPrinter(void) { LLVMInitializeAArch64AsmPrinter(); }

char *LLVMGetDefaultTargetTriple(void) { return strdup("aarch64-unknown-linux-gnu"); }

char *LLVMGetHostCPUFeatures(void)
{
	return strdup("");
}
