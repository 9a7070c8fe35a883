/*
 * WasmEdge 0.14.1 compiles for the processor that it runs on, with --generic-binary too: that names a generic processor, and then gives LLVM all
 * the features of the one at hand. Preloaded, this tells LLVM of those of x86-64-v2 alone, which any processor of amd64 since 2009 has, so that the
 * native code runs on all of them and is the same whichever compiled it. SSE4.1 is the least that WasmEdge's code for floor, ceil and the like needs:
 * without it LLVM calls the C library, which a module has none of.
 */
extern char *strdup(const char *);

char *LLVMGetHostCPUFeatures(void)
{
	return strdup("+cx16,+popcnt,+sahf,+sse3,+sse4.1,+sse4.2,+ssse3");
}
