/** WebAssembly modules are imported by the path of their file. */
declare module '*.wasm' {
  const path: string;
  export default path;
}
