/**
 * Networks that have a name: LeNet, AlexNet, VGG, NiN, ResNet, DenseNet, and a small pair of a GAN.
 *
 * They hold no numbers until `init` makes some. Their parameters are trees whose form depends on the options; the names are PyTorch's.
 *
 * @module
 */
export { alexNet } from "./alexnet.ts";
export { denseBlock, type DenseBlockOptions, denseNet, type DenseNetOptions } from "./densenet.ts";
export { discriminator, type DiscriminatorOptions, generator, type GeneratorOptions } from "./gan.ts";
export { leNet, type LeNetOptions } from "./lenet.ts";
export { nin, ninBlock } from "./nin.ts";
export { type NetworkOptions } from "./options.ts";
export { basicBlock, type BasicBlockOptions, resNet, type ResNetOptions } from "./resnet.ts";
export { vgg, vggBlock, type VggBlockOptions, type VggOptions } from "./vgg.ts";
