// How the config names services of an IDL.
import { z } from "zod";

/** A service by its full name. */
export const serviceName = z.string().min(1).describe("full name of a service: package.Service");
