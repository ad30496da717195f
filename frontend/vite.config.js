import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// The files land where gateway/pages.py looks for them. Entries keep their names, which the pages know; the chunks
// in assets/ carry a hash of their content, and the server lets browsers keep those for good.
export default defineConfig({
  base: './',
  build: {
    outDir: here('../gateway/static'),
    emptyOutDir: true,
    target: 'es2022',
    cssCodeSplit: false,
    // Monaco is four megabytes whatever one does; the warning would only train us to ignore warnings.
    chunkSizeWarningLimit: 5000,
    // What is shipped in the wheel is MIT code of others, and their licence asks to come along.
    license: { fileName: 'licenses.md' },
    rolldownOptions: {
      input: { graphiql: here('src/graphiql.js'), rest_docs: here('src/rest_docs.js') },
      // The pages import functions from the entries; Vite would drop exports that nothing in the build uses.
      preserveEntrySignatures: 'exports-only',
      // "use client" means something to servers that render React; there is none here, and 150 notes on it hide others.
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: ({ names }) => (names[0]?.endsWith('.css') ? 'graphiql.css' : 'assets/[name]-[hash][extname]'),
      },
    },
  },
  worker: { format: 'es', rolldownOptions: { output: { entryFileNames: 'assets/[name]-[hash].js' } } },
});
