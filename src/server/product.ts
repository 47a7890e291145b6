/** What we call ourselves in --version, INFO, and error texts. */

import packageJson from '../../package.json' with { type: 'json' };

export const PRODUCT_NAME = 'Damselfly';
export const EXECUTABLE_NAME = 'damselfly';
export const PRODUCT_VERSION: string = packageJson.version;
