/** Every embedder, against the one contract. */
import * as hashing from "../../adapters/embedder-hashing.ts"
import { embedderContract } from "../contract/embedder.ts"

embedderContract("hashing", hashing.layer)
