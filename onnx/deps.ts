/**
 * The packages that read and write ONNX files, pinned: protocol buffers, and the messages of `onnx.proto` as generated from it.
 *
 * @module
 */
export { create, fromBinary, toBinary } from "npm:@bufbuild/protobuf@2.17.0";
export {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataLocation as DataLocation,
  TensorProtoSchema,
  type TypeProto,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "npm:onnx-buf@1.20.0-1";
