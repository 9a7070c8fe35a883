/*
 * Options of LLVM, which WasmEdge has no way to give it.
 *
 * Go's Wasm goes from one part of a function to another by way of a loop around a table of jumps. LLVM knows to replace a jump to the table by one to where it leads,
 * and does not do so at the head of a loop unless it is told to: without, every loop of the source goes through the table each time around.
 */
extern void LLVMParseCommandLineOptions(int, const char *const *, const char *);

static void set_options(void)
{
	static const char *const options[] = {"wasmedge", "-jump-threading-across-loop-headers"};
	LLVMParseCommandLineOptions(sizeof options / sizeof *options, options, "");
}
