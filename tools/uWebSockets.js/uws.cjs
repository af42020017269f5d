// hyper-express asks for "uWebSockets.js", which is not on npm. The repack uws-pack carries the same binaries but its
// "exports" hide them, so they are loaded by file path. Where none fits, this throws and HTTP is served by node:http.
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const file = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
const folder = module.paths.map((path) => join(path, "uws-pack/dist/bin")).find((path) => existsSync(path));
if (!folder) throw new Error("uws-pack is not installed");
if (!existsSync(join(folder, file))) throw new Error(`uws-pack has no ${file}`);
module.exports = require(join(folder, file));
