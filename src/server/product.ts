/** What we call ourselves in --version, INFO, and error texts. */

import packageJson from '../../package.json' with { type: 'json' };

export const PRODUCT_NAME = 'Damselfly';
export const EXECUTABLE_NAME = 'damselfly';
export const PRODUCT_VERSION: string = packageJson.version;
/** The Redis whose commands and texts we serve; clients decide by it what they may use. */
export const API_VERSION = '8.0.0';
