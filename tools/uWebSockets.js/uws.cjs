// hyper-express asks for "uWebSockets.js", which is not on npm. The repack uws-pack carries the same binaries but its
// "exports" hide them, so they are loaded by file path. Where none fits, this throws and HTTP is served by node:http.
const { join } = require("node:path");

const file = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
module.exports = require(join(__dirname, "../../node_modules/uws-pack/dist/bin", file));
