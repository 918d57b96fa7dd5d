/**
 * The packages that read ONNX files, pinned: protocol buffers, and the messages of `onnx.proto` as generated from it.
 *
 * @module
 */
export { fromBinary } from "npm:@bufbuild/protobuf@2.17.0";
export {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation as DataLocation,
  TensorProtoSchema,
  type TypeProto,
  TypeProtoSchema,
  type ValueInfoProto,
} from "npm:onnx-buf@1.20.0-1";
