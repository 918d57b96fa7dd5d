/**
 * What tests write models with.
 *
 * @module
 */
export { create, type MessageInitShape, toBinary } from "npm:@bufbuild/protobuf@2.17.0";
export {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "npm:onnx-buf@1.20.0-1";
