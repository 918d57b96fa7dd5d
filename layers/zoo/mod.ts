/**
 * Networks that have a name: LeNet, AlexNet, VGG, NiN, ResNet, DenseNet, and a small pair of a GAN.
 *
 * They hold no numbers until `init` makes some. Their parameters are trees whose form depends on the options; the names are PyTorch's.
 *
 * @module
 */
export * from "./alexnet.ts";
export * from "./densenet.ts";
export * from "./gan.ts";
export * from "./lenet.ts";
export * from "./nin.ts";
export type * from "./options.ts";
export * from "./resnet.ts";
export * from "./vgg.ts";
